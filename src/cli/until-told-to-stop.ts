/** How a command that goes on is ended. */
import type { Gateway } from "../assemble.ts";
import { endNoLongerAtOnce } from "./early-signals.ts";

/**
 * Resolves with the first SIGTERM or SIGINT from now on; a second one ends the process at once, with 1. Called before a
 * command listens: a signal may come while it starts, and whoever was served by then wants requests to end.
 */
export const whenToldToStop = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      for (const again of ["SIGTERM", "SIGINT"] as const) process.once(again, () => process.exit(1));
      // Behind the others: a signal that nobody hears would end the process at once.
      process.off("SIGTERM", stop).off("SIGINT", stop);
      resolve(signal);
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
    endNoLongerAtOnce();
  });

/** SIGTERM and SIGINT let requests end. `told`: where signals are heard already. */
export const untilToldToStop = async (gateway: Pick<Gateway, "stop">, told = whenToldToStop()): Promise<void> =>
  gateway.stop(await told);
