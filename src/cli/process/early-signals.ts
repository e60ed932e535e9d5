/** Handles signals that arrive before the command has its own handlers. */

/** By default SIGUSR1 opens Node's debugger and SIGUSR2 kills the process. Both are ignored. */
const NOT_OURS = ["SIGUSR1", "SIGUSR2"] as const;
const TO_STOP = ["SIGTERM", "SIGINT"] as const;
const NUMBERS = { SIGTERM: 15, SIGINT: 2 } as const;

const ignore = (): void => undefined;

/** The exit code of a process that was killed by a signal, as in a shell. */
const endAtOnce = (signal: NodeJS.Signals): void => process.exit(128 + NUMBERS[signal as keyof typeof NUMBERS]);

/**
 * Call it before anything else is loaded. Process 1 of a container ignores signals without a handler. SIGHUP must not
 * kill a starting gateway, which reads its files a moment later anyway; other commands end with their terminal.
 */
export const handleEarlySignals = (pid = process.pid, command = process.argv[2]): void => {
  if (command === "run") process.on("SIGHUP", ignore);
  if (pid === 1) for (const signal of TO_STOP) process.on(signal, endAtOnce);
  for (const signal of NOT_OURS) process.on(signal, ignore);
};

/** Called by commands that have their own handlers of SIGTERM and SIGINT. */
export const leaveSignalsToCommand = (): void => {
  for (const signal of TO_STOP) process.off(signal, endAtOnce);
};
