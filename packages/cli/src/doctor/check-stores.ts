import { whenConnected } from '../deployment.js';
import { reportError } from '../report-error.js';
import { type Finding, failed, ok } from './finding.js';
import type { Patient } from './patient.js';

const PATIENCE = 5000;

async function checkMigrations({ deployment, loadSql }: Patient): Promise<Finding | undefined> {
  const { database } = deployment;
  if (database === undefined) return undefined;
  try {
    const pending = await (await loadSql()).pendingMigrations(database);
    if (pending.length === 0) return ok('stores.migrations', 'the tables are up to date');
    const message = `pending: ${pending.join(', ')}`;
    return failed('stores.migrations', message, 'Run: pzk-auth migrate');
  } catch (error) {
    const { message, hint = 'Is its address right, and does it run?' } = reportError(error);
    return failed('stores.migrations', `the database does not answer: ${message}`, hint);
  }
}

/** In time, or an error: stores of others may wait for ever. */
async function ask(question: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE);
  });
  try {
    await Promise.race([question(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether all stores answer. It leaves one record of a second in the replay store. */
export async function checkStores(patient: Patient): Promise<Finding[]> {
  const migrations = await checkMigrations(patient);
  if (migrations?.status === 'failed') return [migrations];
  await whenConnected(patient.deployment.redis);
  const questions = patient.engine.storeQuestions(patient.options.stores);
  const answers = await Promise.all(
    Object.entries(questions).map(async ([name, question]): Promise<Finding> => {
      try {
        await ask(question);
        return ok(`stores.${name}`, 'answers');
      } catch (error) {
        const { message, hint = 'Is its address right, and does it run?' } = reportError(error);
        return failed(`stores.${name}`, message, hint);
      }
    }),
  );
  return [...(migrations === undefined ? [] : [migrations]), ...answers];
}
