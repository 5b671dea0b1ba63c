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
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The application's own data. */
export interface WeatherDesk {
  observations(): readonly Observation[];
  /** Newest first. */
  reports(): readonly Report[];
  file(report: { readonly by: string; readonly text: string }): Report;
}

const OBSERVATIONS: readonly Observation[] = Object.freeze([
  { station: 'Harbour', temperature: 11.4, wind: 6.2, sky: 'Light cloud' },
  { station: 'Lighthouse', temperature: 9.8, wind: 11.7, sky: 'Clear' },
  { station: 'Upper valley', temperature: 7.1, wind: 2.4, sky: 'Fog, lifting' },
]);
const KEPT_REPORTS = 100;

/** A weather desk in memory. */
export function createWeatherDesk(clock: () => number = Date.now): WeatherDesk {
  const reports: Report[] = [];
  let count = 0;
  return {
    observations: () => OBSERVATIONS,
    reports: () => reports,
    file({ by, text }) {
      count++;
      const report = Object.freeze({ id: count, by, text, at: clock() });
      reports.unshift(report);
      reports.length = Math.min(reports.length, KEPT_REPORTS);
      return report;
    },
  };
}
