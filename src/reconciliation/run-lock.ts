/** The advisory lock of the one run that there is, in PostgreSQL's form with two keys. Nobody else takes such a lock. */
export const RUN_LOCK = [19_530, 1] as const;
