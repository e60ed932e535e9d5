/** Runs `init` in this process, with what it printed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Terminal } from "../../../src/cli/init/ask.ts";
import { init } from "../../../src/cli/init/init.ts";
import type { InitOptions } from "../../../src/cli/init/options.ts";

export type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

export const run = async (options: InitOptions, terminal?: Terminal): Promise<Said> => {
  let [stdout, stderr] = ["", ""];
  const code = await init(options, {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
    terminal,
  });
  return { code, stdout, stderr };
};

/** A fresh directory for each test of the file, removed after it. */
export const inFolder = (): (() => string) => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ocsgw-init-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  return () => dir;
};

export const LEAST: InitOptions = {
  input: false,
  upstream: "http://127.0.0.1:18080",
  tenant: ["Alpha Tenant:101"],
  client: ["ors-main"],
};
