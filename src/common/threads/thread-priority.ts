/** Lowers the priority of a worker thread, so that requests are served first. */
import { getPriority, setPriority } from "node:os";

/**
 * To be called in a worker thread. On other systems than Linux it would change the whole process, so it does nothing
 * there. A gateway that was started with a lower priority cannot raise it.
 */
export const lowerPriority = (niceness: number): void => {
  if (process.platform !== "linux") return;
  try {
    if (getPriority(0) < niceness) setPriority(0, niceness);
  } catch {
    // A system call filter (service, container) can forbid it: then the thread runs with the priority of traffic.
  }
};
