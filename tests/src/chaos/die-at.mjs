// Ends this process (SIGKILL) at a moment that the test has named, in the next request to a path.
import Database from 'libsql';
import pg from 'pg';

/** What was asked for, until its request has come. */
let awaited;
/** What is due in the request that runs, and how many statements it has made. */
let due;
let statements = 0;

const die = () => process.kill(process.pid, 'SIGKILL');
const WRITES = /^\s*(insert|update|delete|with)\b/i;

/** Before a statement, or where it is on its way: nobody has heard of its end, nor will. */
function around(sql, run, end) {
  if (due === undefined) return run();
  statements++;
  if (due.statement === statements) die();
  const result = run();
  if (due === 'write' && WRITES.test(sql)) end();
  return result;
}

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (config, ...rest) {
  // Sent in this turn; what comes back is read in a later one.
  const end = () => setImmediate(die);
  return around(config.text ?? config, () => query.call(this, config, ...rest), end);
};

const { prepare, exec } = Database.prototype;
Database.prototype.exec = function (sql) {
  return around(sql, () => exec.call(this, sql), die);
};
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  for (const name of ['all', 'run']) {
    const call = statement[name];
    statement[name] = (...values) => around(sql, () => call.apply(statement, values), die);
  }
  return statement;
};

process.on('message', (moment) => {
  awaited = moment;
  due = undefined;
  process.send('heard');
});

/** Sees each request as it arrives. */
export function watchRequests(req, res, next) {
  if (req.method !== 'POST' || req.path !== awaited?.path) return next();
  due = awaited.at;
  awaited = undefined;
  statements = 0;
  res.once('close', () => {
    due = undefined;
  });
  if (due === 'arrival') die();
  if (due.after !== undefined) process.send('arrived');
  // A request that writes nothing ends here, too.
  if (due === 'answer' || due === 'write') res.writeHead = die;
  next();
}
