/** Squid on loopback, with nothing on disk but its log, as whoever stands between clients and OCS configures it. */
import { spawn, type ChildProcess } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Squid = { readonly url: string; readonly port: number; readonly stop: () => Promise<void> };

/** `rules`: lines of squid.conf; `PORT` in them becomes a free one. */
export const aSquid = async (program: string, rules: readonly string[]): Promise<Squid> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-squid-"));
  // Started by root it becomes the user proxy, who must reach its log.
  await chmod(dir, 0o777);
  const port = await freePort();
  const log = join(dir, "cache.log");
  await writeFile(
    join(dir, "squid.conf"),
    [
      ...rules.map((rule) => rule.replaceAll("PORT", String(port))),
      "http_access allow all",
      "cache deny all",
      "cache_mem 0 MB",
      "pinger_enable off",
      "icp_port 0",
      "netdb_filename none",
      "pid_filename none",
      "access_log none",
      `cache_log ${log}`,
      `coredump_dir ${dir}`,
      "visible_hostname localhost",
      "shutdown_lifetime 0 seconds",
      "cache_effective_user proxy",
      "",
    ].join("\n"),
  );
  const child = spawn(program, ["-N", "-f", join(dir, "squid.conf")], {
    cwd: dir,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const over = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await over;
    await rm(dir, { recursive: true, force: true });
  };
  if (await answers(port, child)) return { url: `http://127.0.0.1:${port}`, port, stop };
  const output = said + (await readFile(log, "utf8").catch(() => ""));
  await stop();
  throw new Error(`Squid does not answer: ${output}`);
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
      .once("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => resolve(port));
      });
  });

const answers = async (port: number, child: ChildProcess): Promise<boolean> => {
  for (let left = 200; left > 0 && child.exitCode === null; left--) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      }).once("error", () => resolve(false));
    });
    if (there) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
};
