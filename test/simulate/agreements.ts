import type { AgreementStanding } from '../../gateway/domain/agreement.ts'

/** The number of the agreement of an account with an office. */
export const agreementNoOf = (bankCode: string, account: string, officeCode: string): string =>
  `XY${bankCode}${account.slice(-1)}${officeCode}`

/** The agreements of a simulated city, all in force: nothing about them moves while it lives. */
export const agreementsOf = (
  bankCodes: readonly string[],
  accountsOf: (bankCode: string) => readonly string[],
  offices: readonly string[],
  taxpayerId: string,
): ReadonlyMap<string, AgreementStanding> =>
  new Map(
    bankCodes.flatMap(bankCode =>
      accountsOf(bankCode).flatMap(account =>
        offices.map((officeCode): [string, AgreementStanding] => [
          agreementNoOf(bankCode, account, officeCode),
          {
            state: 'active',
            particulars: { taxpayerId, taxpayerName: '', officeCode, bankCode, branch: '313551000001', account },
            boundOn: '2025-12-10',
            activeFrom: '2026-01-01',
            validTo: '2026-12-31',
            accountSince: '2026-01-01',
            enabled: true,
            objected: false,
            ending: false,
          },
        ]),
      ),
    ),
  )
