/**
 * `ocsgw audit export --nodes` and `audit case --nodes`: a directory with one file of each node, as that node made it
 * from its own journal, and `manifest.json`, which names all nodes, their files and why one is missing.
 */
import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeExports } from "../../../admin/api/nodes/exports.ts";
import { reason } from "../../../common/system-error.ts";
import { VERSION } from "../../../app/version.ts";
import { inShell } from "../../../common/shell-word.ts";
import { FilterError, parseFilter } from "../../../journal/search/filter/filter.ts";
import { openStream } from "../../admin-client.ts";
import { UNREACHABLE, WRONG_USAGE } from "../../exit-codes.ts";
import { userInWords, whoAsks } from "../access/who-asks.ts";
import { personFrom } from "../access/person.ts";
import { purposeFrom } from "../access/purpose.ts";
import type { CaseOptions } from "../case.ts";
import type { ExportOptions } from "../export.ts";
import { expressionOf } from "../expression.ts";
import { fail } from "../fail.ts";
import { askNodes, printWhole } from "./ask-nodes.ts";

const LOOK_MS = 500;

export const exportNodes = (options: ExportOptions): Promise<number> =>
  orWrongUsage(async () => {
    const filter = expressionOf(options.words, options);
    parseFilter(filter);
    const person = await personFrom(options);
    return write(options, { filter, format: options.as, ...(person && { [person.kind]: person.value }) });
  });

export const caseOfNodes = (options: CaseOptions): Promise<number> =>
  orWrongUsage(async () => {
    const person = await personFrom(options);
    if (!person)
      throw new RangeError("name the person: --phone-stdin or --customer-stdin reads one line from standard input");
    const { tenant } = options;
    const filter = tenant === undefined ? "" : `tenant:${/^\d{1,10}$/.test(tenant) ? tenant : JSON.stringify(tenant)}`;
    return write(options, { filter, format: "case", [person.kind]: person.value });
  });

const orWrongUsage = async (work: () => Promise<number>): Promise<number> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FilterError) return fail(error.render(), WRONG_USAGE);
    if (error instanceof RangeError) return fail(error.message, WRONG_USAGE);
    throw error;
  }
};

type Writing = Pick<ExportOptions, "config" | "out" | "purpose" | "json">;

const write = async ({ config, out, json, ...given }: Writing, asked: object): Promise<number> => {
  if (out === "-") throw new RangeError("--out: with --nodes it must name a directory, not -");
  if (existsSync(out)) throw new RangeError(`${out} already exists and is not overwritten; choose another --out`);
  const purpose = await purposeFrom(given.purpose);
  const started = await askNodes<NodeExports>(config, { path: "/exports", body: { ...asked, purpose } });
  if (typeof started === "number") return started;
  const ended = await untilDone(config, started);
  if (typeof ended === "number") return ended;
  await mkdir(out, { recursive: false });
  const lost: string[] = [];
  for (const each of ended.nodes) {
    const why = each.file === null ? undefined : await fetchFile(config, { ended, each, to: join(out, each.file) });
    if (typeof why === "number") return why;
    if (why !== undefined) lost.push(`no file from ${each.node} (${why})`);
  }
  const manifest = {
    made_by: `ocsgw ${VERSION}`,
    ...ended,
    ...(purpose !== undefined && { purpose }),
    complete: ended.complete && lost.length === 0,
    not_covered: [...ended.not_covered, ...lost],
  };
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  if (json) console.log(JSON.stringify({ out, ...manifest }));
  else print(out, manifest);
  return printWhole(manifest);
};

const untilDone = async (config: string, started: NodeExports): Promise<NodeExports | number> => {
  let last = started;
  while (last.state === "running") {
    await sleep(LOOK_MS);
    const next = await askNodes<NodeExports>(config, { path: `/exports/${started.id}` });
    if (typeof next === "number") return next;
    last = next;
  }
  return last;
};

type Fetched = { readonly ended: NodeExports; readonly each: NodeExports["nodes"][number]; readonly to: string };

/** Resolves to why the file is not whole; to an exit code if the gateway cannot be asked. */
const fetchFile = async (config: string, { ended, each, to }: Fetched): Promise<string | number | undefined> => {
  const user = new URLSearchParams({ user: userInWords(await whoAsks()) }).toString();
  const opened = await openStream({ config }, `/api/nodes/exports/${ended.id}/${each.node}/file?${user}`, {});
  if (typeof opened === "number") return opened;
  if ("why" in opened) return fail(opened.why, UNREACHABLE);
  const { response, close } = opened;
  try {
    if (response.statusCode !== 200) return `HTTP ${response.statusCode}`;
    const hash = createHash("sha256");
    const file = createWriteStream(to, { flags: "wx" });
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (!file.write(chunk)) await new Promise<void>((resolve) => file.once("drain", () => resolve()));
    }
    await new Promise<void>((resolve, reject) => {
      file.once("error", reject).once("finish", resolve).end();
    });
    return hash.digest("hex") === each.export?.file?.sha256 ? undefined : "it arrived incomplete";
  } catch (error) {
    return reason(error);
  } finally {
    close();
  }
};

const print = (out: string, { nodes }: NodeExports): void => {
  for (const { node, file, export: made } of nodes)
    if (file !== null) console.error(`${node}: ${made?.found?.matching ?? 0} requests/events in ${join(out, file)}`);
  console.error(`Wrote ${join(out, "manifest.json")}, which names every node`);
  const zip = nodes.find(({ file }) => file?.endsWith(".zip"));
  if (zip?.file)
    console.error(
      "verify each bundle with the verifier key of its node: ocsgw audit verify " +
        `${inShell(join(out, zip.file))} --key KEY`,
    );
};
