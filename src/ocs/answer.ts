/** What OCS may answer, per resource. Source: the manual's three tables "OCS HTTP Responses to …" and "OCS HTTP Response Headers". */
import type { ResourceName } from "./catalog.ts";

export const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  500: "Internal server error",
};

/** Statuses a resource may answer with. */
export const STATUSES: Readonly<Record<ResourceName, readonly number[]>> = {
  records: [200, 400, 410, 500],
  phones: [200, 400, 410, 500],
  customer_ids: [200, 400, 410, 500],
  lists: [200, 400, 404, 409, 500],
  campaigngroups: [200, 400, 404, 409, 410, 500],
};

/** GSW_ERROR of the Desktop protocol: the one value that the manual gives. */
export const NO_CALL_FOR_HANDLE = 112;

/** Message types of the two GETs. */
export const MESSAGE_TYPES = { oneGroup: 24, allGroups: 46 } as const;

/** The headers of an answer that carry meaning; every other one is OCS's own business. */
export const ANSWER_HEADERS = ["Server", "Warning", "Cache-control", "Etag", "Content-type"] as const;
