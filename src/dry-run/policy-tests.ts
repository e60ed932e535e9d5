/** The examples under `tests`, asked of the policy that stands beside them: a file whose own examples do not hold is not valid. */
import type { Draft, Loaded } from "../settings/load.ts";
import { inOrder, pathText, type Path, type Problem } from "../settings/problem.ts";
import type { Settings } from "../settings/schema.ts";
import { placeOf } from "./place.ts";
import { createRehearsal, lacksOwner, type Rehearsal, type Rehearsed } from "./rehearse.ts";

type PolicyTest = Settings["tests"][number];

/** `passed`: how many examples held; 0 where the file was not valid before. */
export type Rehearsals = Loaded & { readonly passed: number };

/**
 * What was loaded, or every example of it that does not hold, also beside other problems as long as all values are well formed. `file`: as
 * problems name it.
 */
export const holdToExamples = async (loaded: Loaded, file: string): Promise<Rehearsals> => {
  const draft = loaded.ok ? loaded : loaded.draft;
  if (!draft || (!loaded.ok && loaded.problems.some(isInTheWay))) return { ...loaded, passed: 0 };
  const { tests } = draft.settings;
  const rehearsal = createRehearsal(draft.settings, loaded.hash);
  const told = new Set((loaded.ok ? [] : loaded.problems).flatMap(({ path }) => /^tests\[\d+\]/.exec(path)?.[0] ?? []));
  const problems: Problem[] = [];
  for (const [at, test] of tests.entries()) {
    // What is wrong with the example itself is told already.
    if (!told.has(`tests[${at}]`))
      problems.push(...(await failureOf(test, ["tests", at, "expect"], { loaded: draft, file, rehearsal })));
  }
  if (!loaded.ok) return { ...loaded, problems: inOrder([...loaded.problems, ...problems]), passed: 0 };
  const passed = tests.length - problems.length;
  return problems.length === 0
    ? { ...loaded, passed }
    : { ...withoutSettings(loaded), problems: [...problems, ...loaded.warnings], passed };
};

/**
 * What tenants say against each other decides what an example finds, and so does the rest of a file that is incomplete; a key that is too
 * short makes no tokens. In a file of tenants.d a path begins with the tenant's place in its list.
 */
const isInTheWay = ({ severity, code, path }: Problem): boolean =>
  severity === "error" && (code === "OCSGW-6351" || /^(?:tenants|\[|audit\.index_key)/.test(path));

type Valid = Extract<Loaded, { ok: true }>;
type Invalid = Extract<Loaded, { ok: false }>;

const withoutSettings = ({
  counts,
  hash,
  files,
  config,
  ended,
  pieces,
}: Valid): Omit<Invalid, "problems" | "draft"> => ({ ok: false, counts, hash, files, config, ended, pieces });

type At = { readonly loaded: Draft; readonly file: string; readonly rehearsal: Rehearsal };

const failureOf = async (
  test: PolicyTest,
  path: Path,
  { loaded, file, rehearsal }: At,
): Promise<readonly Problem[]> => {
  const { as: client, do: what, body, tenant, owner, expect } = test;
  const [method = "", target = ""] = what.split(" ");
  const question = {
    client,
    method,
    target,
    body: bodyText(body),
    tenant: tenant ?? undefined,
    owner: owner ?? undefined,
  };
  const rehearsed = await rehearsal(question);
  if (expect === (rehearsed.refusal?.code ?? "allow")) return [];
  return [
    {
      severity: "error",
      code: "OCSGW-6272",
      file,
      ...loaded.locate(path),
      path: pathText(path),
      message: `${client} ${what}: expected ${expect}, and the policy says ${inWords(rehearsed)}`,
      ...(lacksOwner(loaded.settings, question, rehearsed) && {
        help: 'the owner of the record\'s handle decides for which tenant this client asks: name it, as in owner: "Alpha Tenant"',
      }),
      also: { ...loaded.locate(placeOf(loaded.settings, client, rehearsed)), message: "decided here" },
    },
  ];
};

const bodyText = (body: PolicyTest["body"]): string =>
  body === null ? "" : typeof body === "string" ? body : JSON.stringify(body);

const inWords = ({ order, refusal }: Rehearsed): string =>
  refusal ? `${refusal.code}: ${refusal.detail}` : `allow, for ${order!.owner.name}`;
