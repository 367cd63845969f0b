/** What went wrong, for a program (`code`) and for a person (`message`). The codes are listed in index.d.ts. */
export class EspalierError extends Error {
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EspalierError';
    this.code = code;
  }
}
