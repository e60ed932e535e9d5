/** H5: the journal agrees with what the clients saw and with what OCS did. */
import type { Recorded } from "../../src/journal/entry.ts";
import type { Asked, Seen } from "./client.ts";
import type { Case } from "./history.ts";

type Of<Kind extends Recorded["kind"]> = Extract<Recorded, { kind: Kind }>;
type End = Of<"outcome"> | Of<"abandoned">;

/** Everything the journal says of one request. */
type File = { readonly intents: Of<"intent">[]; readonly ends: End[]; readonly refusals: Of<"refusal">[] };

export const findJournalFaults = (cases: readonly Case[], journal: readonly Recorded[]): string[] => {
  const files = fileById(journal);
  const byMarker = Map.groupBy(
    [...files].filter(([, { intents }]) => markerOf(intents[0]) !== undefined),
    ([, { intents }]) => markerOf(intents[0])!,
  );
  const faults = [...files].flatMap(([id, file]) => bracketFaults(id, file));
  for (const each of cases) {
    const { asked } = each;
    const own = byMarker.get(asked.marker) ?? [];
    if (own.length > 1)
      faults.push(`H5: ${asked.marker} has ${own.length} intents, ${own.map(([id]) => id).join(" and ")}`);
    const id = asked.seen?.id ?? own[0]?.[0];
    // A GET whose client hung up has no id by which it could be found; no client here hangs up on one.
    const file = id === undefined ? undefined : files.get(id);
    faults.push(
      ...intentFaults(each, file),
      ...(asked.seen ? seenFaults(asked, asked.seen, file, each) : unseenFaults(each, file)),
    );
  }
  return faults;
};

const markerOf = (intent: Of<"intent"> | undefined): string | undefined => {
  const marker = intent?.body.MARK;
  return typeof marker === "string" ? marker : undefined;
};

const fileById = (journal: readonly Recorded[]): Map<string, File> => {
  const files = new Map<string, File>();
  const fileOf = (id: string): File => {
    const file = files.get(id) ?? { intents: [], ends: [], refusals: [] };
    files.set(id, file);
    return file;
  };
  for (const entry of journal) {
    if (entry.kind === "intent") fileOf(entry.id).intents.push(entry);
    if (entry.kind === "outcome" || entry.kind === "abandoned") fileOf(entry.id).ends.push(entry);
    if (entry.kind === "refusal") fileOf(entry.id).refusals.push(entry);
  }
  return files;
};

/** Each intent has one end behind it, and nothing else has one. */
const bracketFaults = (id: string, { intents, ends, refusals }: File): string[] => {
  const name = `${id} (${markerOf(intents[0]) ?? intents[0]?.identifier ?? "no intent"})`;
  const faults: string[] = [];
  if (intents.length > 1) faults.push(`H5: ${name} has ${intents.length} intents`);
  if (ends.length > 1) faults.push(`H5: ${name} has ${ends.length} outcomes`);
  if (intents.length > 0 && ends.length === 0) faults.push(`H5: ${name} has an intent and no outcome`);
  if (intents.length === 0 && ends.length > 0) faults.push(`H5: ${name} has an outcome and no intent`);
  if (intents[0] && ends[0] && ends[0].index < intents[0].index)
    faults.push(`H5: ${name} has its outcome before its intent`);
  if (refusals.length > 0 && (intents.length > 0 || refusals.length > 1))
    faults.push(`H5: ${name} has a refusal beside another end`);
  return faults;
};

/** What OCS received had been intended, by the same tenant, about the same thing. */
const intentFaults = ({ asked: { marker, tenant, group }, arrivals }: Case, file: File | undefined): string[] => {
  const intent = file?.intents[0];
  if (!intent) return arrivals.length > 0 ? [`H5: ${marker} reached OCS and the journal has no intent of it`] : [];
  const faults: string[] = [];
  if (intent.tenant.dbid !== tenant)
    faults.push(`H5: ${marker} of tenant ${tenant} is journalled as tenant ${intent.tenant.dbid}'s`);
  if (group === undefined ? markerOf(intent) !== marker : intent.identifier !== String(group))
    faults.push(`H5: ${marker} was answered with request id ${intent.id}, whose intent is another's`);
  return faults;
};

const seenFaults = ({ marker }: Asked, seen: Seen, file: File | undefined, { executions }: Case): string[] => {
  if (!file) return [`H5: ${marker} saw ${seen.status} with request id ${seen.id}, which is not in the journal`];
  const [end, refusal] = [file.ends[0], file.refusals[0]];
  if (!file.intents[0]) {
    if (!refusal) return [];
    return refusal.code === seen.code && refusal.status === seen.status && refusal.delivery === seen.delivery
      ? []
      : [`H5: ${marker} saw ${say(seen)}; the journal refused it with ${say(refusal)}`];
  }
  if (end?.kind === "abandoned") return [`H5: ${marker} saw ${say(seen)}; the journal has it as abandoned`];
  if (!end) return [];
  const faults: string[] = [];
  const same =
    end.delivery === seen.delivery &&
    end.status === seen.status &&
    end.origin === seen.origin &&
    (end.code ?? undefined) === seen.code &&
    (end.warning ?? undefined) === seen.warning;
  if (!same) faults.push(`H5: ${marker} saw ${say(seen)}; the journal says ${say(end)}`);
  const [execution] = executions;
  if (execution && end.endpoint !== execution.endpoint)
    faults.push(`H5: ${marker} was carried out at ${execution.endpoint}; the journal says ${end.endpoint}`);
  return faults;
};

/** The client is gone; what the journal says must fit what OCS did all the same. */
const unseenFaults = ({ asked: { marker }, arrivals, executions }: Case, file: File | undefined): string[] => {
  const end = file?.ends[0];
  if (!end) return [];
  if (end.delivery === "not-sent" && arrivals.length > 0)
    return [`H5: ${marker} is journalled as ${end.kind}, not-sent, and OCS received it`];
  if (end.delivery === "answered" && executions.length === 0)
    return [`H5: ${marker} is journalled as answered, and no OCS carried it out`];
  return [];
};

type Said = {
  readonly status: number;
  readonly delivery: string;
  readonly code?: string | null | undefined;
  readonly warning?: string | null | undefined;
};

const say = ({ status, delivery, code, warning }: Said): string =>
  `${status} ${delivery}${code === undefined || code === null ? "" : ` ${code}`}` +
  (warning === undefined || warning === null ? "" : ` with Warning ${warning}`);
