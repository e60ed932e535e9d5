/** What to run when the gateway stops, in the order in which the parts were started. */
export type ShutdownSteps = (() => Promise<void> | void)[];

/** Runs the steps in reverse order. A step that fails does not stop the others; its error is thrown at the end. */
export const runShutdown = async (stops: ShutdownSteps): Promise<void> => {
  const faults: unknown[] = [];
  for (const stop of stops.splice(0).reverse())
    await Promise.resolve()
      .then(stop)
      .catch((fault: unknown) => faults.push(fault));
  if (faults.length > 0) throw faults[0];
};
