/** A reading of a station. */
export interface Reading {
  readonly id: string;
  readonly station: string;
  readonly sky: string;
  readonly temperature: number;
}

const readings: readonly Reading[] = [
  { id: 'harbour', station: 'Harbour', sky: 'Fog', temperature: 7 },
  { id: 'airfield', station: 'Airfield', sky: 'Broken cloud', temperature: 9 },
  { id: 'summit', station: 'Summit', sky: 'Snow', temperature: -4 },
];

export const listReadings = () => readings;

export const findReading = (id: string) => readings.find((reading) => reading.id === id);
