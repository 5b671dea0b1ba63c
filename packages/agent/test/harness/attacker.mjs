/**
 * Everything that a user on this machine can read, searched for a secret: memory, environment, arguments
 * and open files of all processes, files below a directory, answers of sockets. Reads
 * `{needle, directory, sockets, ids}` from stdin; writes where it found it, and what it could read.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

const input = JSON.parse(readFileSync(0, 'utf8'));
const needle = Buffer.from(input.needle);
const needles = [
  needle,
  Buffer.from(needle.toString('base64').slice(0, -4)),
  Buffer.from(needle.toString('hex')),
  Buffer.from(needle.toString(), 'utf16le'),
];
const found = [];
const readable = [];

function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function search(where, bytes) {
  if (needles.some((one) => bytes.includes(one))) found.push(where);
}

function searchFile(path) {
  const bytes = attempt(() => readFileSync(path));
  if (bytes === undefined) return;
  readable.push(path);
  search(path, bytes);
}

function searchMemory(pid) {
  const maps = attempt(() => readFileSync(`/proc/${pid}/maps`, 'utf8'));
  const memory = attempt(() => openSync(`/proc/${pid}/mem`, 'r'));
  if (maps === undefined || memory === undefined) return;
  readable.push(`/proc/${pid}/mem`);
  for (const line of maps.split('\n')) {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (start === undefined) continue;
    const from = Number.parseInt(start, 16);
    const length = Math.min(Number.parseInt(end, 16) - from, 256 * 1024 * 1024);
    for (let at = 0; at < length; at += 4 * 1024 * 1024) {
      // Overlapping, so that no border hides it.
      const chunk = Buffer.alloc(Math.min(4 * 1024 * 1024 + 4096, length - at));
      const read = attempt(() => readSync(memory, chunk, 0, chunk.length, from + at)) ?? 0;
      if (needles.some((one) => chunk.subarray(0, read).includes(one))) {
        found.push(`/proc/${pid}/mem`);
        closeSync(memory);
        return;
      }
    }
  }
  closeSync(memory);
}

function searchDirectory(path) {
  for (const name of attempt(() => readdirSync(path)) ?? []) {
    const child = join(path, name);
    const stats = attempt(() => statSync(child));
    if (stats?.isDirectory()) searchDirectory(child);
    else if (stats?.isFile()) searchFile(child);
  }
}

function ask(socketPath, method, path) {
  return new Promise((resolve) => {
    const outgoing = request({ socketPath, method, path }, async (answer) => {
      const chunks = [Buffer.from(JSON.stringify(answer.rawHeaders))];
      for await (const chunk of answer) chunks.push(chunk);
      readable.push(`${socketPath} ${method} ${path}`);
      search(`${socketPath} ${method} ${path}`, Buffer.concat(chunks));
      resolve();
    });
    outgoing.setTimeout(30_000, () => outgoing.destroy());
    outgoing.on('error', resolve);
    outgoing.end();
  });
}

for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
  if (Number(pid) === process.pid || input.spared.includes(Number(pid))) continue;
  if (input.pids !== undefined && !input.pids.includes(Number(pid))) continue;
  searchMemory(pid);
  for (const file of ['environ', 'cmdline', 'auxv', 'stack', 'syscall']) {
    searchFile(`/proc/${pid}/${file}`);
  }
  for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
    const stats = attempt(() => statSync(`/proc/${pid}/fd/${fd}`));
    if (stats?.isFile() && stats.size < 64 * 1024 * 1024) searchFile(`/proc/${pid}/fd/${fd}`);
  }
}
searchDirectory(input.directory);
for (const socket of input.sockets) {
  await ask(socket, 'GET', '/status');
  for (const id of input.ids) {
    await ask(socket, 'GET', `/grants/${id}`);
    await ask(socket, 'GET', `/grants/${id}/forward/echo`);
    await ask(socket, 'GET', '/echo');
  }
}
process.stdout.write(JSON.stringify({ found, readable }));
