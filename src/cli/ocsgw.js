#!/usr/bin/env node
/**
 * `ocsgw` from whatever Node is on PATH: it runs src/cli/main.ts with the Node that this package brings, where there is one, and else
 * with this one, which then says itself when it is too old. JavaScript, because an old Node reads no types.
 */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { constants as system } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

/** The platform's Node package lies beside this one, or in the folder that it is installed in. */
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

/** npx and a PATH know it by its name; else by its path. */
const asStarted = () => {
  if (process.env.npm_command === "exec") return "npx ocsgw";
  const name = process.argv[1] ?? "";
  const isOnPath = (process.env.PATH ?? "").split(delimiter).some((folder) => join(folder, "ocsgw") === name);
  return isOnPath ? "ocsgw" : `'${name.replaceAll("'", "'\\''")}'`;
};

const env = { ...process.env, OCSGW_COMMAND: process.env.OCSGW_COMMAND ?? asStarted() };
let child;
/** The Node that npm brings is made for glibc: where there is none (Alpine), or the file is damaged, this one has to do. */
const start = (node) => {
  child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit", env });
  child.on("error", () => {
    if (node !== process.execPath) return start(process.execPath);
    console.error(`ocsgw: ${node} cannot be started: is it still there, and made for this system?`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (system.signals[signal] ?? 0)));
};
start(ownNode());
// A terminal sends SIGINT to both; a supervisor sends its signals to this one alone.
for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => (isatty(0) ? undefined : child.kill("SIGINT")));
