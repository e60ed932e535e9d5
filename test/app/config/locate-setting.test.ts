/** The thread that finds the line of a setting. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { run } from "../../kit/command.ts";
import { aConfigured, twoTenants } from "../../kit/gateway.ts";

let dir = "";
afterEach(() => rm(dir, { recursive: true, force: true }));

const source = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);

it("does not keep a process alive that has nothing else to do, though it waits for the next question", async () => {
  dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha"]);
  const file = join(dir, "ocsgw.yaml");
  const program = join(dir, "program.mjs");
  const text = `
    const { createLocator } = await import(${source("app/config/locate-setting.ts")});
    const { loadToRead } = await import(${source("settings/load.ts")});
    const { hash } = await loadToRead(${JSON.stringify(file)});
    const found = await createLocator(${JSON.stringify(file)}, () => hash)(["tenants", 0, "name"]);
    console.log(found.rule, found.at);
  `;
  await writeFile(program, text);
  const { code, stdout, stderr } = await run(process.execPath, [program]);
  expect([stderr, code, stdout]).toEqual([
    "",
    0,
    expect.stringMatching(/^tenants\[0\]\.name .*ocsgw\.yaml:\d+:\d+\n$/),
  ]);
});
