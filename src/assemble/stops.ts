/** What is to be undone when the gateway stops, in the order in which it was made. */
export type Stops = (() => Promise<void> | void)[];

/** Undoes in reverse. One part that cannot stop in order does not keep the others from it; the first fault is thrown when all have. */
export const undo = async (stops: Stops): Promise<void> => {
  const faults: unknown[] = [];
  for (const stop of stops.splice(0).reverse())
    await Promise.resolve()
      .then(stop)
      .catch((fault: unknown) => faults.push(fault));
  if (faults.length > 0) throw faults[0];
};
