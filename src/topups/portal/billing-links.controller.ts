import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { AccessGuard, CurrentCaller } from '../../customers/access.guard';
import { type Caller, oneCustomer } from '../../customers/access';
import { CustomersService } from '../../customers/customers.service';
import { CardOwnerDto } from '../cards/saved-cards.dto';
import { ACCESS_PROBLEMS, ApiRefusals } from '../refusals.dto';
import { BillingAddresses } from './billing-addresses.service';

export class BillingLinkDto {
  @ApiProperty({
    example: 'https://ai.example/billing/cus_019a8b2c.tfz2o0.c2VhbA',
    description: 'Whoever has it can read the page and change what is on it: send the customer there, and nobody else.',
  })
  url!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  expiresAt!: string;
}

/** A page for the person who pays: balance, cards, auto-reload, top-ups. */
@ApiTags('billing page')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/billing-links')
export class BillingLinksController {
  constructor(
    private readonly customers: CustomersService,
    private readonly addresses: BillingAddresses,
  ) {}

  @Post()
  @ApiOperation({ operationId: 'createBillingLink', summary: "A link to the customer's billing page, for 15 minutes" })
  @ApiCreatedResponse({ type: BillingLinkDto })
  @ApiRefusals(
    ...ACCESS_PROBLEMS,
    { status: 400, code: 'customer_id_required', detail: 'The operator must say whose page is meant.' },
    { status: 404, code: 'customer_not_found', detail: 'There is no such customer.' },
  )
  async create(@CurrentCaller() caller: Caller, @Body() owner: CardOwnerDto): Promise<BillingLinkDto> {
    const { id } = await this.customers.get(oneCustomer(caller, owner.customerId));
    const { url, expiresAt } = this.addresses.issue(id);
    return { url, expiresAt: expiresAt.toISOString() };
  }
}
