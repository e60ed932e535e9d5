/** The reference that the console's Help shows, from the tables of this version. */
import type { HelpContent } from "../../../admin/api/help.ts";
import { METRICS } from "../../../admin/metrics/metrics.ts";
import { SUBJECTS } from "../../../common/log/event-table.ts";
import type { EventRow } from "../../../common/log/event-row.ts";
import { FAMILIES } from "../../../documentation/codes.ts";
import { REFUSALS } from "../../../gateway/refusals.ts";
import { explainRows } from "../../../settings/schema/schema-tree.ts";
import { VERSION } from "../../version.ts";

let content: HelpContent | undefined;

export const helpContent = (): HelpContent =>
  (content ??= {
    version: VERSION,
    codes: Object.values(REFUSALS).map(({ code, status, title, delivery, advice }) => ({
      code,
      status,
      title,
      delivery,
      advice,
    })),
    families: FAMILIES.map(([digit, about]) => ({ codes: `${digit}xxx`, about })),
    metrics: METRICS.map(({ name, type, help }) => ({ name, type, help })),
    events: SUBJECTS.flatMap(([subject, rows]) =>
      Object.entries(rows).map(([name, row]: [string, EventRow]) => ({
        name,
        subject,
        level: row.level,
        message: row.message,
        action: row.action ?? null,
        fields: Object.entries(row.fields).map(([field, { meaning }]) => ({ name: field, meaning })),
      })),
    ),
    settings: explainRows().map(({ key, required, default: fallback, explanation }) => ({
      key,
      required,
      default: fallback ?? null,
      explanation,
    })),
  });
