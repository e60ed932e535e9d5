/** Signals in the first moments of a process, before a command has its own mind about them. */

/** Node opens its debugger at SIGUSR1 and dies of SIGUSR2. Neither is for whoever may signal a gateway to decide. */
const NOT_OURS = ["SIGUSR1", "SIGUSR2"] as const;
const TO_STOP = ["SIGTERM", "SIGINT"] as const;
const NUMBERS = { SIGTERM: 15, SIGINT: 2 } as const;

const unheard = (): void => undefined;

/** As a shell reports a process that a signal has ended. */
const endAtOnce = (signal: NodeJS.Signals): void => process.exit(128 + NUMBERS[signal as keyof typeof NUMBERS]);

/**
 * To be called before anything else is loaded. A signal without handler does not end process 1, of a container. SIGHUP
 * ends a command when its terminal goes, and no gateway: it reads its files a moment later, in any case.
 */
export const heedSignals = (pid = process.pid, command = process.argv[2]): void => {
  if (command === "run") process.on("SIGHUP", unheard);
  if (pid === 1) for (const signal of TO_STOP) process.on(signal, endAtOnce);
  for (const signal of NOT_OURS) process.on(signal, unheard);
};

/** For a command that has its own handlers of SIGTERM and SIGINT by now. */
export const endNoLongerAtOnce = (): void => {
  for (const signal of TO_STOP) process.off(signal, endAtOnce);
};
