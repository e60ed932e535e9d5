/** The names that OCS knows, and which of them a misspelled one is nearest to. */
import { ATTRIBUTES, SPELLINGS } from "../ocs/attributes.ts";

/** Names that a call carries to a client; no request has them. */
const CALL_DATA = [
  "GSW_RECORD_URI",
  "GSW_CALL_ATTEMPT_GUID",
  "GSW_CAMPAIGN_GROUP_NAME",
  "GSW_CAMPAIGN_GROUP_DBID",
  "GSW_CAMPAIGN_GROUP_DESCRIPTION",
  "GSW_CAMPAIGN_MODE",
  "GSW_CALLING_LIST_DBID",
  "GSW_SWITCH_DBID",
  "GSW_CONTACT_MEDIA_TYPE",
  "GSW_TZ_OFFSET",
  "GSW_ERROR",
  "GSW_HIST_SEQUENCE_NUM",
  "GSW_CM_MessageType",
  "GSW_CM_AttrError",
  "GSW_CM_AttrCampaignID",
  "GSW_CM_AttrGroupID",
  "GSW_CM_AttrGroupCampStatus",
  "GSW_CM_AttrReferenceID",
  "GSW_CM_AttrRefID",
  "GSW_CM_AttrOriginAppID",
] as const;

export const OCS_NAMES: ReadonlySet<string> = new Set([...Object.keys(ATTRIBUTES), ...CALL_DATA]);

/** The known name that differs by at most two edits, and in case; undefined if none does. */
export const nearestName = (name: string, known: Iterable<string>, most = 2): string | undefined => {
  const wanted = name.toLowerCase();
  if (wanted.length > 64) return undefined;
  const ranked = [...known]
    .filter((each) => Math.abs(each.length - name.length) <= most)
    .map((each) => ({ each, edits: editsBetween(wanted, each.toLowerCase()) }))
    .toSorted((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best && best.edits <= most ? best.each : undefined;
};

/** Insert, delete, replace (Levenshtein). */
const editsBetween = (from: string, to: string): number => {
  let above = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = above[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(above[column]! + 1, current[column - 1]! + 1, replaced));
    }
    above = current;
  }
  return above[to.length]!;
};

/** The manual's two misprints → the name of its examples. */
export const canonicalSpelling = (name: string): string | undefined => SPELLINGS.get(name);
