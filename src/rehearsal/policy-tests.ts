/** The examples under `tests`, asked of the policy that stands beside them: a file whose own examples do not hold is not valid. */
import type { Loaded } from "../settings/load.ts";
import { pathText, type Path, type Problem } from "../settings/problem.ts";
import type { Settings } from "../settings/schema.ts";
import { placeOf } from "./place.ts";
import { createRehearsal, lacksOwner, type Rehearsal, type Rehearsed } from "./rehearse.ts";

type Valid = Extract<Loaded, { ok: true }>;
type PolicyTest = Settings["tests"][number];

/** `passed`: how many examples held; 0 where the file was not valid before. */
export type Rehearsals = Loaded & { readonly passed: number };

/** What was loaded, or every example of it that does not hold. `file`: as problems name it. */
export const holdToExamples = async (loaded: Loaded, file: string): Promise<Rehearsals> => {
  if (!loaded.ok) return { ...loaded, passed: 0 };
  const { tests } = loaded.settings;
  const rehearsal = createRehearsal(loaded.settings, loaded.hash);
  const problems: Problem[] = [];
  for (const [at, test] of tests.entries()) problems.push(...await failureOf(test, ["tests", at, "expect"], { loaded, file, rehearsal }));
  const passed = tests.length - problems.length;
  return problems.length === 0 ? { ...loaded, passed } : { ok: false, problems: [...problems, ...loaded.warnings], counts: loaded.counts, hash: loaded.hash, files: loaded.files, passed };
};

type At = { readonly loaded: Valid; readonly file: string; readonly rehearsal: Rehearsal };

const failureOf = async (test: PolicyTest, path: Path, { loaded, file, rehearsal }: At): Promise<readonly Problem[]> => {
  const { as: client, do: what, body, tenant, owner, expect } = test;
  const [method = "", target = ""] = what.split(" ");
  const question = { client, method, target, body: bodyText(body), tenant: tenant ?? undefined, owner: owner ?? undefined };
  const rehearsed = await rehearsal(question);
  if (expect === (rehearsed.refusal?.code ?? "allow")) return [];
  return [{
    severity: "error", code: "OCSGW-6272", file, ...loaded.locate(path), path: pathText(path),
    message: `${client} ${what}: expected ${expect}, and the policy says ${inWords(rehearsed)}`,
    ...(lacksOwner(loaded.settings, question, rehearsed) && { help: "the owner of the record's handle decides for which tenant this client asks: name it, as in owner: \"Alpha Tenant\"" }),
    also: { ...loaded.locate(placeOf(loaded.settings, client, rehearsed)), message: "decided here" },
  }];
};

const bodyText = (body: PolicyTest["body"]): string => (body === null ? "" : typeof body === "string" ? body : JSON.stringify(body));

const inWords = ({ order, refusal }: Rehearsed): string => (refusal ? `${refusal.code}: ${refusal.detail}` : `allow, for ${order!.owner.name}`);
