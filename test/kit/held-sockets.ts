/** `ocsgw run` with sockets that another process holds open and passes to it, as systemd does. Needs python3. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./command.ts";

/** `port` 0 for a free one. `listens: false`: bound only. */
export type Held = { readonly name: string; readonly host: string; readonly port: number; readonly listens?: boolean };

export type HeldGateway = {
  /** In the order of the sockets. */
  readonly ports: readonly number[];
  readonly log: () => string;
  /** Resolves once this stands in the log so many times. Rejects when the gateway ends before. */
  readonly said: (text: string, times?: number) => Promise<void>;
  /** SIGTERM; as soon as the process is gone, another one starts. */
  readonly restart: () => void;
  /** Resolves to the gateway's exit code: SIGTERM, unless it has ended by itself. */
  readonly stop: () => Promise<number | null>;
};

const HOLDER = join(import.meta.dirname, "socket-holder.py");

type Options = { readonly env?: NodeJS.ProcessEnv; /** Of `run`. */ readonly args?: readonly string[] };

export const holdSockets = async (
  python: string,
  config: string,
  sockets: readonly Held[],
  { env = {}, args = [] }: Options = {},
): Promise<HeldGateway> => {
  const command = [process.execPath, join(root, "src/cli/main.ts"), "run", "-c", config, ...args];
  const holder = spawn(python, [HOLDER, JSON.stringify(sockets), ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, OCSGW_LOG: "info", ...env },
  });
  let log = "";
  holder.stderr.setEncoding("utf8").on("data", (chunk: string) => (log += chunk));
  holder.stdin.on("error", () => undefined);
  const exit = once(holder, "close").then(([code]) => code as number | null);
  const [ports] = (await once(createInterface(holder.stdout), "line")) as [string];
  const ended = exit.then(() => Promise.reject(new Error(`the gateway ended: ${log}`)));
  ended.catch(() => undefined);
  return {
    ports: JSON.parse(ports) as number[],
    log: () => log,
    said: async (text, times = 1) => {
      while (log.split(text).length <= times) await Promise.race([once(holder.stderr, "data"), ended]);
    },
    restart: () => void holder.stdin.write("again\n"),
    stop: () => {
      holder.stdin.end();
      return exit;
    },
  };
};
