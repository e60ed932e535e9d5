/**
 * Every process that the bench starts: pinned to a core, measured by /proc, and ended by its own id whatever happens.
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";

export type Child = {
  readonly process: ChildProcess;
  /** CPU microseconds so far: user and system, all threads, and the workers that it has started. */
  readonly cpu: () => number;
  /** What it wrote to stderr, as far as that is not a file. */
  readonly complaints: () => string;
  /** SIGTERM, and SIGKILL when that does not help. */
  readonly stop: () => Promise<void>;
};

export type Command = {
  readonly command: string;
  readonly args: readonly string[];
  readonly core: number | undefined;
  /** Where stdout goes: a file's descriptor, or nowhere. */
  readonly stdout?: number;
  /** With a channel for messages. */
  readonly ipc?: boolean;
  readonly env?: NodeJS.ProcessEnv;
};

const PATIENCE_MS = 5000;
const KEPT_COMPLAINTS = 20_000;
/** The unit of /proc/<pid>/stat: USER_HZ is 100 wherever Node runs on Linux. */
const TICK_MICROS = 10_000;

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export const start = ({ command, args, core, stdout, ipc, env }: Command): Child => {
  const stdio: StdioOptions = ["ignore", stdout ?? "ignore", "pipe", ...(ipc ? ["ipc" as const] : [])];
  const [file, ...rest] = core === undefined ? [command, ...args] : ["taskset", "-c", String(core), command, ...args];
  const child = spawn(file!, rest, { stdio, env: { ...process.env, ...env }, serialization: "advanced" });
  running.add(child);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));
  void ended.then(() => running.delete(child));
  let complaints = "";
  child.stderr!.on("data", (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-KEPT_COMPLAINTS)));
  return {
    process: child,
    cpu: () => [child.pid!, ...workersOf(child.pid!)].reduce((sum, pid) => sum + cpuOf(pid), 0),
    complaints: () => complaints,
    stop: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
};

/** For an error's handler and for Ctrl-C: whatever still runs is told to end, and waited for. */
export const stopEverything = async (): Promise<void> => {
  await Promise.all(
    [...running].map(
      (child) =>
        new Promise((resolve) => {
          child.once("close", resolve).kill("SIGTERM");
          setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS).unref();
        }),
    ),
  );
};

const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
};

const workersOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
    .split(" ")
    .filter((text) => text !== "")
    .map(Number);

/** The next message of a child, or an error with its complaints when it ends or is silent for too long. */
export const messageFrom = <Message>(child: Child, patience = 60_000): Promise<Message> =>
  new Promise((resolve, reject) => {
    const settle = (then: () => void) => (): void => {
      clearTimeout(timer);
      child.process.off("message", take).off("close", end);
      then();
    };
    const take = (message: unknown): void => settle(() => resolve(message as Message))();
    const end = settle(() => reject(new Error(`a process ended unasked: ${child.complaints() || "it said nothing"}`)));
    const timer = setTimeout(
      settle(() => reject(new Error(`a process said nothing for ${patience} ms: ${child.complaints()}`))),
      patience,
    );
    child.process.once("message", take).once("close", end);
  });

/** Resolves when `isReady` is true; rejects with the child's complaints when it ends before. */
export const until = async (
  child: Child,
  isReady: () => Promise<boolean> | boolean,
  patience = 60_000,
): Promise<void> => {
  for (const end = Date.now() + patience; !(await isReady());) {
    if (child.process.exitCode !== null || child.process.signalCode !== null)
      throw new Error(`${child.process.spawnargs.join(" ")} ended at once: ${child.complaints()}`);
    if (Date.now() > end)
      throw new Error(`${child.process.spawnargs.join(" ")} did not get ready: ${child.complaints()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** For servers that cannot be asked to choose one and tell it. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
      .once("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
  });
