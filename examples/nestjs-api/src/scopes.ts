/** Scopes of the weather API. */
export const SCOPES = ['weather:read', 'weather:write'] as const;
