import { Injectable } from '@nestjs/common';

/** An observation as the API answers it. */
export interface Observation {
  readonly station: string;
  /** Degrees Celsius. */
  readonly temperature: number;
  /** Metres per second. */
  readonly wind: number;
  readonly sky: string;
}

/** A report that somebody filed. */
export interface Report {
  readonly id: number;
  /** Account id. */
  readonly by: string;
  readonly text: string;
}

const OBSERVATIONS: readonly Observation[] = Object.freeze([
  { station: 'Harbour', temperature: 11.4, wind: 6.2, sky: 'Light cloud' },
  { station: 'Lighthouse', temperature: 9.8, wind: 11.7, sky: 'Clear' },
  { station: 'Upper valley', temperature: 7.1, wind: 2.4, sky: 'Fog, lifting' },
]);
const KEPT_REPORTS = 100;

/** The application's own data, in memory. */
@Injectable()
export class WeatherService {
  readonly #reports: Report[] = [];
  #count = 0;

  observations(): readonly Observation[] {
    return OBSERVATIONS;
  }

  /** Newest first. */
  reports(): readonly Report[] {
    return this.#reports;
  }

  file(by: string, text: string): Report {
    this.#count++;
    const report = Object.freeze({ id: this.#count, by, text });
    this.#reports.unshift(report);
    this.#reports.length = Math.min(this.#reports.length, KEPT_REPORTS);
    return report;
  }
}
