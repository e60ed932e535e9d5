/** How a command that goes on is ended. */
import type { Gateway } from "../assemble.ts";
import { endNoLongerAtOnce } from "./early-signals.ts";

/** Ctrl-C goes to npm and to what it runs, and npm passes its own on: two signals that are one. */
const ONE_MS = 1000;

/**
 * Resolves with the first SIGTERM or SIGINT from now on; one that comes a second later or more ends the process at once,
 * with 1. Called before a command listens: a signal may come while it starts, and whoever was served by then wants
 * requests to end.
 */
export const whenToldToStop = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      const told = performance.now();
      const again = (): void => {
        if (performance.now() - told >= ONE_MS) process.exit(1);
      };
      process.on("SIGTERM", again).on("SIGINT", again);
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
