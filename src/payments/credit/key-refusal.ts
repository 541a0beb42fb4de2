import type { ApiKey, KeyFault } from '../../customers/api-key';
import { AccessError } from '../../customers/access';
import type { Refusal } from '../refusal';

/** Why a key cannot pay for this model: 401 when it is not usable at all, 403 when it may not do this. */
export function keyRefusal(key: ApiKey | KeyFault, model: string): Refusal | undefined {
  if (typeof key === 'string') return refusalOf(AccessError.forFault(key));
  if (!key.scopes.includes('inference')) return refusalOf(AccessError.forScope('inference'));
  if (key.models && !key.models.includes(model)) {
    return {
      status: 403,
      code: 'model_not_allowed',
      detail: `This key may not call the model "${model}".`,
      hint: `It may call: ${key.models.join(', ') || 'none'}.`,
    };
  }
  return undefined;
}

const refusalOf = ({ status, code, detail, hint }: AccessError): Refusal => ({
  status: status === 401 ? 401 : 403,
  code,
  detail,
  ...(hint === undefined ? {} : { hint }),
});
