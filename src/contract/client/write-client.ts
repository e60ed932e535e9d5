/** `node src/contract/client/write-client.ts` writes the generated files of the typed client. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CATALOG, type Resource } from "../../ocs/catalog.ts";
import { RESOURCE_MEANINGS } from "../meanings.ts";
import { RESOURCE_FUNCTIONS } from "../names.ts";
import { tableFile } from "./table.ts";
import { apiFile, bodiesFile, enumerationsFile } from "./types.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const PARAMETERS: Readonly<Record<Resource["identifier"], string>> = {
  "record handle": "handle: number | string",
  "phone number": "phone: string",
  "customer id": "customerId: string",
  "calling list name": "name: string",
  "campaign group DBID": "dbid: number | string",
};

const groupOf = ({ name, identifier, actions }: Resource) => {
  const call = RESOURCE_FUNCTIONS[name];
  return {
    call,
    type: `${call.charAt(0).toUpperCase()}${call.slice(1)}`,
    parameter: PARAMETERS[identifier],
    meaning: RESOURCE_MEANINGS[name],
    actions: Object.values(actions),
  };
};

/** By name; before the formatter. */
export const clientFiles = (): Readonly<Record<string, string>> => {
  const resources = Object.values(CATALOG);
  const posts = resources.flatMap(({ actions }) => Object.values(actions)).filter(({ method }) => method === "POST");
  return {
    "api.ts": apiFile(resources.map(groupOf), posts),
    "bodies.ts": bodiesFile(posts),
    "enumerations.ts": enumerationsFile(),
    "table.ts": tableFile(),
  };
};

/** Writes the files into `folder`, in the format of the repository. */
export const writeClient = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(clientFiles())) await writeFile(join(folder, name), text);
  const oxfmt = join(ROOT, "node_modules/.bin/oxfmt");
  await promisify(execFile)(oxfmt, ["-c", join(ROOT, ".oxfmtrc.json"), folder]);
};

if (import.meta.main) await writeClient(join(ROOT, "src/client/generated"));
