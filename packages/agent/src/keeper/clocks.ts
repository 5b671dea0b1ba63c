/** A moment by two clocks: one stands still in a suspended machine, the other can be set. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly wall: number;
  /** Milliseconds since some time, the same for all processes of this machine; never set. */
  readonly steady: number;
}

/** Tells the moment. */
export type Clocks = () => Moment;

/** The system's clocks. That of `hrtime` is one for all processes, that of `performance` is not. */
export const systemClocks: Clocks = () => ({
  wall: Date.now(),
  steady: Number(process.hrtime.bigint() / 1_000_000n),
});
