import type { ProofLane } from './proof-system.js';

/**
 * Waiting jobs, each lane bounded on its own. Lanes are served in turn, so that one that is full
 * delays the other by one job at most.
 */
export class JobQueue<Job> {
  readonly #limit: number;
  readonly #lanes: Readonly<Record<ProofLane, Job[]>> = { token: [], enroll: [] };
  #next: ProofLane = 'token';

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a job, or answers `false` where its lane is full. */
  push(job: Job, lane: ProofLane): boolean {
    if (this.#lanes[lane].length >= this.#limit) return false;
    this.#lanes[lane].push(job);
    return true;
  }

  /** Takes the next job. */
  shift(): Job | undefined {
    const first = this.#next;
    const second = first === 'token' ? 'enroll' : 'token';
    const lane = this.#lanes[first].length > 0 ? first : second;
    this.#next = lane === 'token' ? 'enroll' : 'token';
    return this.#lanes[lane].shift();
  }

  /** Takes a job out of whatever lane it waits in. */
  remove(job: Job): void {
    for (const lane of Object.values(this.#lanes)) {
      const index = lane.indexOf(job);
      if (index >= 0) lane.splice(index, 1);
    }
  }

  /** Takes all jobs out. */
  clear(): Job[] {
    return Object.values(this.#lanes).flatMap((lane) => lane.splice(0));
  }
}
