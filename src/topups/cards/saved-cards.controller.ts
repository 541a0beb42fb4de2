import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse } from '@nestjs/swagger';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessGuard, CurrentCaller } from '../../customers/access.guard';
import { type Caller, oneCustomer } from '../../customers/access';
import { ACCESS_PROBLEMS, ApiRefusals, PROCESSOR_PROBLEMS } from '../refusals.dto';
import { CardOwnerDto, CardSetupDto, SavedCardDto, SavedCardListDto, toSavedCardDto } from './saved-cards.dto';
import { SavedCardsService } from './saved-cards.service';

const NO_CARD = { status: 404, code: 'card_not_found', detail: 'There is no such card.' };

/** Cards that are charged without their holder being there: what auto-reload needs. */
@ApiTags('cards')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/cards')
export class SavedCardsController {
  constructor(private readonly cards: SavedCardsService) {}

  @Get()
  @ApiOperation({ operationId: 'listCards', summary: 'Saved cards, newest first' })
  @ApiOkResponse({ type: SavedCardListDto })
  @ApiRefusals(...ACCESS_PROBLEMS, ...PROCESSOR_PROBLEMS)
  async list(@CurrentCaller() caller: Caller, @Query() owner: CardOwnerDto): Promise<SavedCardListDto> {
    return { data: (await this.cards.list(oneCustomer(caller, owner.customerId))).map(toSavedCardDto) };
  }

  @Post('setup')
  @ApiOperation({ operationId: 'setUpCard', summary: 'A page to save a card on, without paying' })
  @ApiCreatedResponse({ type: CardSetupDto })
  @ApiRefusals(...ACCESS_PROBLEMS, ...PROCESSOR_PROBLEMS)
  async setUp(@CurrentCaller() caller: Caller, @Body() owner: CardOwnerDto): Promise<CardSetupDto> {
    return { url: await this.cards.startSetup(oneCustomer(caller, owner.customerId)) };
  }

  @Post(':id/default')
  @HttpCode(200)
  @ApiOperation({ operationId: 'makeCardDefault', summary: 'Charge this card from now on' })
  @ApiOkResponse({ type: SavedCardDto })
  @ApiRefusals(...ACCESS_PROBLEMS, NO_CARD, ...PROCESSOR_PROBLEMS)
  async makeDefault(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() owner: CardOwnerDto,
  ): Promise<SavedCardDto> {
    return toSavedCardDto(await this.cards.makeDefault(oneCustomer(caller, owner.customerId), id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ operationId: 'removeCard', summary: 'Forget a card' })
  @ApiNoContentResponse()
  @ApiRefusals(...ACCESS_PROBLEMS, NO_CARD, ...PROCESSOR_PROBLEMS)
  async remove(@CurrentCaller() caller: Caller, @Param('id') id: string, @Query() owner: CardOwnerDto): Promise<void> {
    await this.cards.remove(oneCustomer(caller, owner.customerId), id);
  }
}
