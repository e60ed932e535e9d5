/**
 * A PostgreSQL server of a test's own, for what a shared server must not suffer: stops, hangs, a read-only time. It
 * listens on a free port of 127.0.0.1, without fsync, and runs as the user postgres if the test is run by root.
 */
import { execFile, type ExecFileOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const BIN = process.env["OCSGW_TEST_POSTGRES_BIN"] ?? "/usr/lib/postgresql/15/bin";

export const hasOwnPostgres = existsSync(join(BIN, "initdb"));

const exec = promisify(execFile);

const asPostgres = async (command: string, args: readonly string[]): Promise<string> => {
  const path = join(BIN, command);
  const options: ExecFileOptions = { cwd: "/" };
  const { stdout } =
    process.getuid?.() === 0
      ? await exec("runuser", ["-u", "postgres", "--", path, ...args], options)
      : await exec(path, [...args], options);
  return String(stdout);
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

export type OwnPostgres = {
  readonly url: string;
  readonly port: number;
  readonly start: () => Promise<void>;
  /** Ends all connections, as at a restart. */
  readonly stop: () => Promise<void>;
  /** SIGSTOP for all its processes: connections stay open, nothing answers. Returns the function that goes on. */
  readonly freeze: () => Promise<() => void>;
  /** Stops it and removes its files. */
  readonly remove: () => Promise<void>;
};

export const ownPostgres = async (): Promise<OwnPostgres> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-postgres-"));
  if (process.getuid?.() === 0) {
    const { stdout } = await exec("id", ["-u", "postgres"]);
    await chown(dir, Number(stdout), -1);
  }
  const data = join(dir, "data");
  const port = await freePort();
  await asPostgres("initdb", ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]);
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=20"];
  const options = `-p ${port} ${settings.map((each) => `-c ${each}`).join(" ")}`;
  const control = (...args: readonly string[]): Promise<string> => asPostgres("pg_ctl", ["-D", data, "-w", ...args]);
  const start = async (): Promise<void> =>
    void (await control("start", "-l", join(dir, "log"), "-o", options, "-t", "20"));
  const stop = async (): Promise<void> => void (await control("stop", "-m", "immediate"));
  await start();
  const processes = async (): Promise<readonly number[]> => {
    const main = Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n", 1)[0]);
    const children = await readFile(`/proc/${main}/task/${main}/children`, "utf8");
    return [main, ...children.trim().split(" ").map(Number)];
  };
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    port,
    start,
    stop,
    freeze: async () => {
      const all = await processes();
      for (const pid of all) process.kill(pid, "SIGSTOP");
      return () => {
        for (const pid of all) process.kill(pid, "SIGCONT");
      };
    },
    remove: async () => {
      await stop().catch(() => undefined);
      await rm(dir, { recursive: true, force: true });
    },
  };
};
