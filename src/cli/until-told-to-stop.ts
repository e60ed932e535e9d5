/** How a command that goes on is ended. */
import type { Gateway } from "../assemble.ts";

/** SIGTERM and SIGINT let requests end; a second one ends the process at once. */
export const untilToldToStop = (gateway: Pick<Gateway, "stop">): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (signal: NodeJS.Signals): void => {
      process.off("SIGTERM", stop).off("SIGINT", stop);
      for (const again of ["SIGTERM", "SIGINT"] as const) process.once(again, () => process.exit(1));
      gateway.stop(signal).then(resolve, reject);
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
  });
