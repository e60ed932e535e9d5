/** The query of an export: a filter with absolute times, narrowed to the viewer's tenants, and a person as tokens. */
import { z } from "zod";
import type { CaseAbout, ExportFormat } from "../../../journal/jobs/export-worker.ts";
import { bothFilters, parseFilter } from "../../../journal/search/filter/filter.ts";
import type { UnknownName } from "../../../journal/search/filter/vocabulary.ts";
import type { Evidence } from "../../../journal/search/person-search.ts";
import { tokenFilter, type Person } from "../../../journal/search/phone-variants.ts";
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";
import { namesIn, type AuditParts } from "../../audit-parts.ts";
import { sightOf } from "../../flows/scoped-flows.ts";
import { isScoped, narrowed } from "../../scope.ts";
import type { Viewer } from "../../viewer.ts";
import { filter, purpose, text, user } from "../parameters.ts";
import { TIME_FROM, TIME_TO, timesIn } from "./times.ts";

export const ExportRequest = z
  .strictObject({
    filter: filter(),
    format: z
      .enum(["ndjson", "csv", "html", "bundle", "case"])
      .describe(
        "bundle: a zip that can be verified elsewhere; case: a bundle about a person, with what is joined to the " +
          "person's requests and a page for people",
      ),
    from: TIME_FROM.optional(),
    to: TIME_TO.optional(),
    phone: text().describe("Everything about this phone number").optional(),
    customer_id: text().describe("Everything about this customer id").optional(),
    purpose: purpose(),
    user: user(),
  })
  .refine(({ phone, customer_id: customer }) => phone === undefined || customer === undefined, {
    error: "phone: expected phone or customer_id, not both",
  })
  .refine(({ format, phone, customer_id: customer }) => format !== "case" || (phone ?? customer) !== undefined, {
    error: "format: a case is about a person: expected phone or customer_id",
  });
type ExportRequest = z.infer<typeof ExportRequest>;

export type ExportQuery = {
  readonly filter: string;
  readonly names: readonly UnknownName[];
  /** For an export about a person. */
  readonly evidence: Evidence | undefined;
  /** For a case. */
  readonly about?: CaseAbout | undefined;
};

/** Formats without the positions of entries in the journal. */
const PARTIAL: readonly ExportFormat[] = ["csv", "html"];

/** Throws InvalidQuestion for a format that a viewer of some tenants may not have. */
export const requireFormat = (viewer: Viewer, format: ExportFormat): void => {
  if (!isScoped(viewer) || PARTIAL.includes(format)) return;
  throw new InvalidQuestion(
    `format: expected ${PARTIAL.join(" or ")}: the others say where entries are in the whole journal, and you see ` +
      "some tenants only",
  );
};

/** `differs`: why the tokens of the person are not known. Throws FilterError and InvalidQuestion. */
export const exportQuery = async (
  viewer: Viewer,
  asked: ExportRequest,
  audit: AuditParts,
): Promise<ExportQuery | { readonly differs: string }> => {
  const { ask, keys, vocabulary } = audit;
  const unknown = namesIn(asked.filter, vocabulary());
  const within = narrowed(withTimes(asked), viewer);
  // Whether another tenant has a name must not show.
  const names = isScoped(viewer) ? [] : unknown;
  const person = personIn(asked);
  if (!person) return { filter: within, names, evidence: undefined };
  const { scope } = sightOf(audit, viewer);
  const { evidence } = await ask({ kind: "person", person, keys: keys(), filter: within, names, limit: 1, scope });
  const { epochs, tokens } = evidence!;
  const other = epochs.filter(({ key }) => key === "other").map(({ epoch }) => epoch);
  if (other.length > 0)
    return {
      differs:
        `nothing was exported: under ${other.join(", ")} the config has another index key than the journal, so it is ` +
        "not known which tokens are the person's",
    };
  const found = parseFilter(tokenFilter(person, { tokens }));
  return {
    filter: bothFilters(found, parseFilter(within)).text,
    names,
    evidence,
    ...(asked.format === "case" && { about: { person, keys: keys(), filter: within } }),
  };
};

const personIn = ({ phone, customer_id: customer }: ExportRequest): Person | undefined => {
  if (phone !== undefined) return { kind: "phone", value: phone };
  return customer === undefined ? undefined : { kind: "customer_id", value: customer };
};

const withTimes = (asked: ExportRequest): string => {
  const times = timesIn(asked);
  return times === "" ? asked.filter : bothFilters(parseFilter(asked.filter), parseFilter(times)).text;
};
