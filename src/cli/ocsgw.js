#!/usr/bin/env node
/**
 * Starts `ocsgw` with any Node on PATH: runs src/cli/main.ts with the Node of this package if there is one, else with
 * this one, which reports itself when it is too old. JavaScript, because an old Node cannot read types.
 */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { constants as system } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

const isInstalled = dirname(dirname(dirname(main))).endsWith(join("node_modules", "ocs-gateway"));

/** The Node package for this platform, installed beside this package or within it. */
const ownNode = () => {
  try {
    const found = createRequire(import.meta.url).resolve(`node-${platform()}-${process.arch}/package.json`);
    const node = join(dirname(found), "bin", process.platform === "win32" ? "node.exe" : "node");
    accessSync(node, constants.X_OK);
    return node;
  } catch {
    return process.execPath;
  }
};

const platform = () => (process.platform === "win32" ? "win" : process.platform);

/** The command as the user typed it: a name via npx or PATH, else a path. */
const asStarted = () => {
  // Outside a checkout `npx ocsgw` would ask the registry for a package of that name.
  if (process.env.npm_command === "exec") return isInstalled ? "npx ocs-gateway" : "npx ocsgw";
  const name = process.argv[1] ?? "";
  const isOnPath = (process.env.PATH ?? "").split(delimiter).some((folder) => join(folder, "ocsgw") === name);
  return isOnPath ? "ocsgw" : `'${name.replaceAll("'", "'\\''")}'`;
};

const env = { ...process.env, OCSGW_COMMAND: process.env.OCSGW_COMMAND ?? asStarted() };
let child;
/** The package's Node needs glibc. Without glibc (Alpine), or if the file is damaged, this Node is used. */
const start = (node) => {
  child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit", env });
  child.on("error", () => {
    if (node !== process.execPath) return start(process.execPath);
    console.error(`ocsgw: cannot start ${node}; check that it exists and is built for this system`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (system.signals[signal] ?? 0)));
};
start(ownNode());
// A terminal sends SIGINT to both processes; a supervisor sends its signals only to this one.
for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => (isatty(0) ? undefined : child.kill("SIGINT")));
