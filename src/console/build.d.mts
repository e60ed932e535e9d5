/** The directory of the built console. */
export declare const built: string;
/** Resolves to false where Vite is not installed. Rejects if the build fails. */
export declare const buildConsole: () => Promise<boolean>;
