import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { snippetsOf } from "../../src/contract/snippets/snippets.ts";
import { ACTIONS } from "../../src/ocs/catalog.ts";
import { root } from "../kit/command.ts";

const run = promisify(execFile);
const calls = join(root, "test/client/wrong-calls.ts");

/** What tsc says about a program that uses the client, with the settings of its own project. */
const compiled = async (source: string, settings: object): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-types-"));
  try {
    await writeFile(join(dir, "package.json"), '{"type":"module"}');
    await writeFile(join(dir, "calls.ts"), source);
    const compilerOptions = {
      noEmit: true,
      strict: true,
      skipLibCheck: false,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      allowImportingTsExtensions: true,
      paths: { "ocs-gateway/client": [join(root, "src/client/client.ts")] },
      ...settings,
    };
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["calls.ts"] }));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    return await run(process.execPath, [tsc, "-p", dir]).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => error.stdout,
    );
  } finally {
    await rm(dir, { recursive: true });
  }
};

const MODERN = {
  target: "es2024",
  module: "nodenext",
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
};
const BUNDLED = { target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"] };

describe("the types of the client", () => {
  it.each([
    ["strict as this one", MODERN],
    ["built by a bundler", BUNDLED],
  ])("accept right calls and refuse wrong ones in a project that is %s", async (_, settings) => {
    expect(await compiled(await readFile(calls, "utf8"), settings)).toBe("");
  });

  it("accept the snippets of all actions", async () => {
    const blocks = ACTIONS.map((action) => {
      const { text } = snippetsOf(action).find(({ language }) => language === "typescript")!;
      return text.slice(text.indexOf("const result"), text.indexOf("api.close()"));
    });
    const head = snippetsOf(ACTIONS[0]!).find(({ language }) => language === "typescript")!.text;
    const source = `${head.slice(0, head.indexOf("const result"))}${blocks.map((block) => `{\n${block}}\n`).join("")}`;
    expect(await compiled(source, MODERN)).toBe("");
  });

  it("accept the TypeScript of the page", async () => {
    const page = await readFile(join(root, "src/docs/how-to/write-a-client.md"), "utf8");
    const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, block]) => block!);
    expect(blocks).toHaveLength(1);
    expect(await compiled(blocks[0]!, MODERN)).toBe("");
  });

  it("would fail this test if a wrong call were accepted, or a right one refused", async () => {
    const source = await readFile(calls, "utf8");
    const right = source.replace("recordProceed()", "recordReject()");
    const both = right.replace('GSW_CHAIN_ATTR: "AllChain"', 'GSW_CHAIN_ATTR: "Chain"');
    const errors = (await compiled(both, MODERN)).trim().split("\n");
    expect(errors).toHaveLength(2);
    expect(errors.join()).toMatch(/TS2322: Type '"Chain"'.*TS2578: Unused '@ts-expect-error' directive/);
  });
});
