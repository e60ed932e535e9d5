/** Waits for the signal that stops a long-running command. */
import type { Gateway } from "../../app/gateway.ts";
import { FAILED } from "../exit-codes.ts";
import { leaveSignalsToCommand } from "./early-signals.ts";

/** Ctrl-C reaches npm and its child, and npm forwards its own: two signals within this time count as one. */
const SAME_SIGNAL_MS = 1000;

/**
 * Resolves with the first SIGTERM or SIGINT. Another one after a second or more ends the process at once with exit code
 * 1. Call it before the command listens, because a signal may arrive while it starts.
 */
export const firstSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      const first = performance.now();
      const again = (): void => {
        if (performance.now() - first >= SAME_SIGNAL_MS) process.exit(FAILED);
      };
      process.on("SIGTERM", again).on("SIGINT", again);
      // After the new handlers are set: without any handler a signal would kill the process.
      process.off("SIGTERM", stop).off("SIGINT", stop);
      resolve(signal);
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
    leaveSignalsToCommand();
  });

/** Stops the gateway, which finishes its requests, on SIGTERM or SIGINT. `signal`: if signals are awaited already. */
export const stopOnSignal = async (gateway: Pick<Gateway, "stop">, signal = firstSignal()): Promise<void> =>
  gateway.stop(await signal);
