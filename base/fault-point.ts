/** Named steps that a test may interrupt. In production every point does nothing. */

/** Called at a step; may throw or wait to stand for a crash or a stall there. */
export type FaultPoint = (step: string) => Promise<void> | void;

/** The production fault point: does nothing. */
export const noFaults: FaultPoint = () => undefined;
