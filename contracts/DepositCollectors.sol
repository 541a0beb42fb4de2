// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Permit2} from "./Permit2.sol";

/// @title How a deposit reaches the batch settlement contract: each collector knows one kind of payer's authorization.
abstract contract DepositCollector {
    error OnlyBatchSettlement();

    /// @dev A constant, as the code is put in place with `anvil_setCode`, which leaves immutables zero.
    address internal constant BATCH_SETTLEMENT = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;

    /// @notice Moves exactly `amount` of `token` from `payer` to the batch settlement contract, or reverts.
    /// @param data The authorization, encoded as the collector wants it.
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata data) external {
        if (msg.sender != BATCH_SETTLEMENT) revert OnlyBatchSettlement();
        _collect(payer, token, amount, channelId, data);
    }

    function _collect(
        address payer,
        address token,
        uint256 amount,
        bytes32 channelId,
        bytes calldata data
    ) internal virtual;
}

interface IReceiveWithAuthorization {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external;
}

/// @title Our own stand-in for the EIP-3009 collector at 0x4020806089470a89826cB9fB1f4059150b550004.
/// @notice Data: `abi.encode(uint256 validAfter, uint256 validBefore, uint256 salt, bytes signature)`. The nonce of the
/// authorization is `keccak256(abi.encode(channelId, salt))`, so that it is good for one channel only.
contract Erc3009DepositCollector is DepositCollector {
    using SafeERC20 for IERC20;

    function _collect(
        address payer,
        address token,
        uint256 amount,
        bytes32 channelId,
        bytes calldata data
    ) internal override {
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) = abi.decode(
            data,
            (uint256, uint256, uint256, bytes)
        );
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        IReceiveWithAuthorization(token).receiveWithAuthorization(
            payer,
            address(this),
            amount,
            validAfter,
            validBefore,
            nonce,
            signature
        );
        IERC20(token).safeTransfer(BATCH_SETTLEMENT, amount);
    }
}

/// @title Our own stand-in for the Permit2 collector at 0x4020425FAf3B746C082C2f942b4E5159887B0005.
/// @notice Data: `abi.encode(uint256 nonce, uint256 deadline, bytes signature, bytes permit2612)`, the last one empty or
/// `abi.encode(uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)`. The witness of the permit is the channel.
contract Permit2DepositCollector is DepositCollector {
    error Permit2612AmountMismatch();

    Permit2 public constant PERMIT2 = Permit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    string public constant DEPOSIT_WITNESS_TYPE_STRING =
        "DepositWitness witness)DepositWitness(bytes32 channelId)TokenPermissions(address token,uint256 amount)";
    bytes32 public constant DEPOSIT_WITNESS_TYPEHASH = keccak256("DepositWitness(bytes32 channelId)");

    function _collect(
        address payer,
        address token,
        uint256 amount,
        bytes32 channelId,
        bytes calldata data
    ) internal override {
        (uint256 nonce, uint256 deadline, bytes memory signature, bytes memory permit2612) = abi.decode(
            data,
            (uint256, uint256, bytes, bytes)
        );
        if (permit2612.length > 0) _approvePermit2(payer, token, amount, permit2612);
        PERMIT2.permitWitnessTransferFrom(
            Permit2.PermitTransferFrom(Permit2.TokenPermissions(token, amount), nonce, deadline),
            Permit2.SignatureTransferDetails(BATCH_SETTLEMENT, amount),
            payer,
            keccak256(abi.encode(DEPOSIT_WITNESS_TYPEHASH, channelId)),
            DEPOSIT_WITNESS_TYPE_STRING,
            signature
        );
    }

    /// @dev A permit that fails does not stop the deposit: somebody may have sent it already.
    function _approvePermit2(address payer, address token, uint256 amount, bytes memory permit2612) private {
        (uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) = abi.decode(
            permit2612,
            (uint256, uint256, uint8, bytes32, bytes32)
        );
        if (value != amount) revert Permit2612AmountMismatch();
        try IERC20Permit(token).permit(payer, address(PERMIT2), value, deadline, v, r, s) {} catch {}
    }
}
