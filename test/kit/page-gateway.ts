/**
 * A gateway in a process of its own that the command blocks of an operations page act upon: in a folder with
 * `config/ocsgw.yaml`, with `ocsgw` on the PATH, and with a `systemctl` that starts and stops this one process.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { blocksOf } from "../docs/kit/blocks.ts";
import { root, run, type Ran } from "./command.ts";

export type PageGateway = {
  readonly dir: string;
  readonly ports: Readonly<Record<"clients" | "admin" | "callbacks", number>>;
  /** Writes files below the folder; private keys with mode 0600. */
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>;
  /** In bash, ending at the first failure, in the folder or one below it. */
  readonly run: (script: string, below?: string) => Promise<Ran>;
  readonly stop: () => Promise<void>;
};

const LAUNCHER = `#!/bin/sh
exec '${process.execPath}' '${join(root, "src/cli/main.ts")}' "$@"
`;

/** Like systemctl, it returns when the gateway serves, or is gone. */
const SYSTEMCTL = `#!/bin/bash
begin() {
  # The shell in the background empties the log later, perhaps after the first look at it.
  : > "$PAGE_DIR/log"
  ocsgw run -c config/ocsgw.yaml > /dev/null 2> "$PAGE_DIR/log" & echo $! > "$PAGE_DIR/pid"
  until grep -q '"listening","listener":"clients"' "$PAGE_DIR/log"; do
    kill -0 "$(cat "$PAGE_DIR/pid")" 2> /dev/null || { tail -n 3 "$PAGE_DIR/log" >&2; exit 1; }
    sleep 0.1
  done
}
finish() {
  [ -e "$PAGE_DIR/pid" ] || return 0
  kill -TERM "$(cat "$PAGE_DIR/pid")" 2> /dev/null
  while kill -0 "$(cat "$PAGE_DIR/pid")" 2> /dev/null; do sleep 0.05; done
  rm -f "$PAGE_DIR/pid"
}
case "$1" in start) begin ;; stop) finish ;; restart) finish; begin ;; *) exit 2 ;; esac
`;

/** Makes the folder; the gateway does not run yet. */
export const aPageGateway = async (config: (ports: PageGateway["ports"]) => object): Promise<PageGateway> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-page-"));
  const [clients, admin, callbacks] = await freePorts(3);
  const ports = { clients: clients!, admin: admin!, callbacks: callbacks! };
  const write: PageGateway["write"] = async (files) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), text, { mode: /\.(?:key|pem)$/.test(name) ? 0o600 : 0o644 });
    }
  };
  await write({
    ".bin/ocsgw": LAUNCHER,
    ".bin/systemctl": SYSTEMCTL,
    "config/ocsgw.yaml": stringify(config(ports), { aliasDuplicateObjects: false }),
  });
  for (const name of ["ocsgw", "systemctl"]) await chmod(join(dir, ".bin", name), 0o755);
  for (const name of ["old", "new"]) await mkdir(join(dir, name), { recursive: true });
  const env = { ...process.env, PATH: `${join(dir, ".bin")}:${process.env["PATH"]}`, PAGE_DIR: dir };
  const start: PageGateway["run"] = (script, below = ".") =>
    run("bash", ["-euo", "pipefail", "-c", script], { cwd: join(dir, below), env });
  return {
    dir,
    ports,
    write,
    run: start,
    stop: async () => {
      await start("systemctl stop ocsgw");
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/** All are held until the last one is known, so that they differ. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

/** The scripts of a page, by the heading under which they stand, in the order of the page. */
export const scriptsOf = async (page: string): Promise<ReadonlyMap<string, readonly string[]>> => {
  const text = await readFile(join(root, "src/docs/operations", page), "utf8");
  return new Map(
    text
      .split(/^#{2,3} /m)
      .slice(1)
      .map((part) => [
        part.split("\n", 1)[0]!,
        blocksOf(part).flatMap(({ isScript, commands }) => (isScript ? commands.map((each) => each.text) : [])),
      ]),
  );
};
