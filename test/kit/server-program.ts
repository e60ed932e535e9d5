/** A server that is not ours, run in the foreground by a test with a configuration of its own, on a free port. */
import { spawn } from "node:child_process";
import { connect, createServer, type AddressInfo } from "node:net";

export type ServerProgram = {
  /** What it wrote to stdout and stderr. */
  readonly said: () => string;
  /** SIGTERM, then SIGKILL. */
  readonly stop: () => Promise<void>;
};

const PATIENCE_MS = 20_000;

/** Resolves when the port takes connections; rejects with what the program said when it ends before. */
export const startProgram = async (command: string, args: readonly string[], port: number): Promise<ServerProgram> => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [said, over] = ["", false];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) =>
    child.once("close", resolve).once("error", (error) => ((said += String(error)), resolve())),
  );
  void ended.then(() => (over = true));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
  };
  for (const end = Date.now() + PATIENCE_MS; !(await accepts(port));) {
    if (!over && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    await stop();
    throw new Error(`${command} ${over ? "ended at once" : "does not listen"}: ${said}`);
  }
  return { said: () => said, stop };
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => (socket.destroy(), resolve(true))).on("error", () =>
      resolve(false),
    );
  });

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
