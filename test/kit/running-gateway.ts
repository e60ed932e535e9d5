/** `ocsgw run` in a process of its own, on a folder that outlives it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { root } from "./command.ts";
import { keyFor } from "./gateway.ts";

export type RunningGateway = {
  readonly pid: number;
  /** By listener. */
  readonly urls: ReadonlyMap<string, string>;
  /** Resolves when the process is gone. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
};

/** Writes what the gateway is to find in the folder. */
export const furnish = async (dir: string, config: object, clients: readonly string[]): Promise<void> => {
  const keys = clients.map((client) => ({
    id: client,
    client,
    hash: `sha256:${createHash("sha256").update(keyFor(client)).digest("hex")}`,
    created: "2026-01-01T00:00:00Z",
  }));
  await writeFile(join(dir, "keys.yaml"), stringify({ version: 1, keys }));
  await writeFile(join(dir, "ocsgw.yaml"), stringify(config, { aliasDuplicateObjects: false }));
};

/** Resolves when every one of the listeners is there. `by`: a program that starts it, with its arguments. */
export const runGateway = (
  dir: string,
  listeners: readonly string[],
  by: readonly string[] = [],
): Promise<RunningGateway> =>
  new Promise((resolve, reject) => {
    const [command, ...args] = [...by, process.execPath];
    const child = spawn(command!, [...args, join(root, "src/cli/main.ts"), "run", "-c", join(dir, "ocsgw.yaml")], {
      cwd: root,
      env: { ...process.env, OCSGW_LOG: "info" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const gone = new Promise<void>((done) => child.once("close", () => done()));
    const urls = new Map<string, string>();
    let pid = 0;
    let over = false;
    void gone.then(() => (over = true));
    // By its own id: whoever started it may not pass a signal on.
    const kill = (signal: NodeJS.Signals): Promise<void> => {
      if (!over) process.kill(pid, signal);
      return gone;
    };
    let [log, pending] = ["", ""];
    child.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      const lines = (pending + chunk.toString()).split("\n");
      pending = lines.pop()!;
      for (const line of lines) {
        const logged = line.startsWith("{")
          ? (JSON.parse(line) as { pid: number; event: string; listener?: string; address?: string })
          : undefined;
        if (logged) pid = logged.pid;
        if (logged?.event === "listening") urls.set(logged.listener!, logged.address!);
      }
      if (listeners.every((name) => urls.has(name))) resolve({ pid, urls, kill });
    });
    void gone.then(() => reject(new Error(`the gateway ended: ${log}`)));
  });
