/** The syntax of header lines (RFC 9112, section 5; RFC 9110, section 5.5), and the error for malformed answers. */

/** Thrown if OCS's answer is malformed. */
export class MalformedResponse extends Error {}

/** Name and value of a header or trailer line without its line end; the value may end in blanks. */
export const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;
