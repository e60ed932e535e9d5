/** A PostgreSQL server of a test's own, that can be stopped, paused, restarted and replaced by its standby. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** Debian's folder of the newest version; undefined where PostgreSQL's server is missing. */
const programs = ((): string | undefined => {
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return undefined;
  const newest = readdirSync(versions).toSorted((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(versions, newest, "bin");
})();

/** PostgreSQL refuses to run as root: then the user that Debian's package makes runs it. */
const isRoot = process.getuid?.() === 0;
const owner = ((): { readonly uid: number; readonly gid: number } | undefined => {
  if (!isRoot) return undefined;
  const idOf = (option: string): number => Number(spawnSync("id", [option, "postgres"], { encoding: "utf8" }).stdout);
  return spawnSync("id", ["postgres"]).status === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : undefined;
})();

export const hasPostgresServer = programs !== undefined && (!isRoot || owner !== undefined);

const as = { ...owner, env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" }, cwd: tmpdir() };

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
      .once("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
  });

export class PostgresServer {
  readonly port: number;
  readonly #dir: string;
  readonly #isDurable: boolean;
  #child: ChildProcess | undefined;

  private constructor(dir: string, port: number, isDurable: boolean) {
    [this.#dir, this.port, this.#isDurable] = [dir, port, isDurable];
  }

  /** `isDurable`: with fsync, as in production. Without it the data outlives a killed server, not a lost machine. */
  static async start({ isDurable = false } = {}): Promise<PostgresServer> {
    const dir = newFolder();
    execFileSync(join(programs!, "initdb"), ["-D", join(dir, "data"), "-U", "postgres", "-A", "trust", "-N"], {
      ...as,
      stdio: "ignore",
    });
    const server = new PostgresServer(dir, await freePort(), isDurable);
    await server.run();
    return server;
  }

  /** A standby that follows this server; `promote` makes it a server of its own. */
  async standby(): Promise<PostgresServer> {
    const dir = newFolder();
    const from = `host=127.0.0.1 port=${this.port} user=postgres`;
    execFileSync(join(programs!, "pg_basebackup"), ["-D", join(dir, "data"), "-R", "-c", "fast", "-d", from], {
      ...as,
      stdio: "ignore",
    });
    const standby = new PostgresServer(dir, await freePort(), this.#isDurable);
    await standby.run();
    return standby;
  }

  promote(): void {
    execFileSync(join(programs!, "pg_ctl"), ["-D", join(this.#dir, "data"), "promote", "-w"], {
      ...as,
      stdio: "ignore",
    });
  }

  url(port = this.port): string {
    return `postgresql://postgres@127.0.0.1:${port}/postgres`;
  }

  /** Starts it, or starts it again. Resolves when it takes connections. */
  async run(): Promise<void> {
    const settings = [
      `port=${this.port}`,
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${this.#dir}`,
      `fsync=${this.#isDurable ? "on" : "off"}`,
      "shared_buffers=16MB",
      "max_connections=60",
    ].flatMap((setting) => ["-c", setting]);
    this.#child = spawn(join(programs!, "postgres"), ["-D", join(this.#dir, "data"), ...settings], {
      ...as,
      stdio: "ignore",
    });
    for (const until = performance.now() + 20_000; ;) {
      const client = new pg.Client({ connectionString: this.url(), connectionTimeoutMillis: 1000 });
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        if (performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** SIGINT: connections end at once. SIGQUIT: without a checkpoint, as after a crash. */
  async stop(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    process.kill(child.pid!, signal);
    await gone;
  }

  /** All its processes stand still, its connections stay open. */
  pause(): void {
    for (const pid of this.#processes()) process.kill(pid, "SIGSTOP");
  }

  resume(): void {
    for (const pid of this.#processes().reverse()) process.kill(pid, "SIGCONT");
  }

  async remove(): Promise<void> {
    if (this.#child?.exitCode === null) this.resume();
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** The postmaster first, so that it starts no process meanwhile. */
  #processes(): number[] {
    const { pid } = this.#child!;
    const { stdout } = spawnSync("ps", ["--ppid", String(pid), "-o", "pid="], { encoding: "utf8" });
    return [
      pid!,
      ...stdout
        .split("\n")
        .map(Number)
        .filter((each) => each > 0),
    ];
  }
}

const newFolder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-postgres-"));
  if (owner) chownSync(dir, owner.uid, owner.gid);
  return dir;
};
