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
const wrongCalls = join(root, "test/client/wrong-calls.ts");

/** What tsc says about programs that use the client, with the settings of their own project. */
const compiled = async (sources: Readonly<Record<string, string>>, settings: object): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-types-"));
  try {
    await writeFile(join(dir, "package.json"), '{"type":"module"}');
    for (const [name, source] of Object.entries(sources)) await writeFile(join(dir, name), source);
    const compilerOptions = {
      noEmit: true,
      strict: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      allowImportingTsExtensions: true,
      paths: { "ocs-gateway/client": [join(root, "src/client/client.ts")] },
      ...settings,
    };
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(sources) }));
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

/** The snippets of all actions in one file. */
const snippets = (): string => {
  const texts = ACTIONS.map((each) => snippetsOf(each).find(({ language }) => language === "typescript")!.text);
  const head = texts[0]!.slice(0, texts[0]!.indexOf("const result"));
  const calls = texts.map((text) => text.slice(text.indexOf("const result"), text.indexOf("api.close()")));
  return `${head}${calls.map((call) => `{\n${call}}\n`).join("")}`;
};

const blocksOfPage = async (): Promise<string[]> => {
  const page = await readFile(join(root, "src/docs/how-to/write-a-client.md"), "utf8");
  return [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, block]) => block!);
};

describe("the types of the client", () => {
  it.each([
    ["strict as this one", MODERN],
    ["built by a bundler", BUNDLED],
  ])("accept right calls, snippets and the page, and refuse wrong calls, in a project %s", async (_, settings) => {
    const [block, ...others] = await blocksOfPage();
    expect(others).toEqual([]);
    const calls = await readFile(wrongCalls, "utf8");
    expect(await compiled({ "calls.ts": calls, "snippets.ts": snippets(), "page.ts": block! }, settings)).toBe("");
  });

  it("would fail this test if a wrong call were accepted, or a right one refused", async () => {
    const source = await readFile(wrongCalls, "utf8");
    const right = source.replace("recordProceed()", "recordReject()");
    const both = right.replace('GSW_CHAIN_ATTR: "AllChain"', 'GSW_CHAIN_ATTR: "Chain"');
    const errors = (await compiled({ "calls.ts": both }, MODERN)).trim().split("\n");
    expect(errors).toHaveLength(2);
    expect(errors.join()).toMatch(/TS2322: Type '"Chain"'.*TS2578: Unused '@ts-expect-error' directive/);
  });
});
