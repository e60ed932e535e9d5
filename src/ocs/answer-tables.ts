/** Tables of OCS's answers per resource. Source: the manual, "OCS HTTP Responses to …", "OCS HTTP Response Headers". */
import type { ResourceName } from "./catalog.ts";

export const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  500: "Internal server error",
};

/** The statuses with which a resource may answer. */
export const STATUSES: Readonly<Record<ResourceName, readonly number[]>> = {
  records: [200, 400, 410, 500],
  phones: [200, 400, 410, 500],
  customer_ids: [200, 400, 410, 500],
  lists: [200, 400, 404, 409, 500],
  campaigngroups: [200, 400, 404, 409, 410, 500],
};

/** GSW_ERROR of the Desktop protocol: the only value in the manual. */
export const NO_CALL_FOR_HANDLE = 112;

/** GSW_CM_MessageType in the answers to the two GETs. */
export const MESSAGE_TYPES = { oneGroup: 24, allGroups: 46 } as const;

/** The headers of OCS's answers that have a meaning for clients. */
export const ANSWER_HEADERS = ["Server", "Warning", "Cache-control", "Etag", "Content-type"] as const;
