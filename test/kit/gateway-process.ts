/** `ocsgw run` as a process of its own, that can be killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export type GatewayProcess = {
  /** Of the listener "clients". */
  readonly port: number;
  readonly pid: number;
  /** The log so far, JSON lines. */
  readonly log: () => string;
  /** Resolves when the process is gone. */
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
};

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

type Options = {
  readonly env?: NodeJS.ProcessEnv;
  /** What the process is started by, as strace and its options. */ readonly by?: readonly string[];
};

/** Resolves when it listens. Rejects with its log when it ends before. */
export const startGateway = async (config: string, { env = {}, by = [] }: Options = {}): Promise<GatewayProcess> => {
  const [command, ...args] = [...by, process.execPath, MAIN, "run", "-c", config];
  const child = spawn(command!, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, OCSGW_LOG: "info", ...env },
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (log += chunk));
  const listening = (): number | undefined => {
    const found = /"listener":"clients","address":"[a-z]+:\/\/[^"]*:(\d+)"/.exec(log)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  while (listening() === undefined) {
    await Promise.race([once(child.stderr, "data"), once(child, "exit")]);
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the gateway did not start: ${log}`);
  }
  // Whoever started it is not the gateway, and would keep the signal to itself.
  const pid = Number(/"pid":(\d+)/.exec(log)?.[1] ?? child.pid);
  return { port: listening()!, pid, log: () => log, end: (signal) => end(child, pid, signal) };
};

const end = async (child: ChildProcess, pid: number, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  process.kill(pid, signal);
  await gone;
};
