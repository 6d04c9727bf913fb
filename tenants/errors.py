"""Errors in two families: the user's, with a stable code and a text to act on; and ours, which a user never reads."""

from __future__ import annotations


class UserError(Exception):
    """Something the person who asked can mend.

    `code` is the contract. `template` is English with `%(name)s` places; the edge translates the template
    and then fills in `params`, so that no text has to be translated per value. `pointer` names the part of
    the request that is meant (a JSON pointer, or a file's place). `extra` are members for the answer.
    """

    code = "invalid_request"
    template = "The request can not be carried out."

    def __init__(
        self,
        template: str | None = None,
        *,
        code: str | None = None,
        pointer: str = "",
        extra: dict[str, object] | None = None,
        **params: object,
    ) -> None:
        self.code = code or type(self).code
        self.template = template or type(self).template
        self.pointer = pointer
        self.extra = extra or {}
        self.params = params
        super().__init__(self.code, self.detail)

    @property
    def detail(self) -> str:
        """The English sentence."""
        return self.template % self.params if self.params else self.template


class InternalError(Exception):
    """A failure of ours: logged with its traceback; the user reads only a generic text with the job's id."""

    code = "internal_error"


class InvalidCredential(UserError):
    """The key or session is unknown, expired or revoked; which of them is not told."""

    code = "unauthenticated"
    template = "A valid API key is needed: send the header Authorization: Bearer <prefix>.<secret>."


class TenantSuspended(UserError):
    """A suspended tenant may read, but not submit."""

    code = "tenant_suspended"
    template = "The account is suspended: results stay readable, new work is not taken."
