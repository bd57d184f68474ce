/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published templates, if they are next to the project; otherwise the test is skipped. */
#include "support.h"
#include "util/macro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY NSG_TOP_SRCDIR "/../shared/data/azure-json/arm-templates/"

/* The number of resources of a file, or words of its first error. */
static const struct {
	const char *file;
	size_t n;
	const char *fails;
} files[] = {
    {"Azure__Azure-Network-Security__Azure_Network_Security_-_Workshop__Templates__labdeployment",
     0, "parameter 'appGwAfdName' has no value"},
    {"Azure__Azure-Network-Security__Templates__Linked_Templates__onPremLinkedTemplate", 6, NULL},
    {"Azure__avdaccelerator__network__network-security-group__main", 1, NULL},
    {"Azure__bicep__101__app-service-regional-vnet-integration__main", 4, NULL},
    {"Azure__bicep__101__hub-and-spoke__main.symbolicnames", 0,
     "reference() to 'fwl': privateIPAddress is known only after deployment"},
    {"Azure__bicep__101__private-dns-zone__main.symbolicnames", 2, NULL},
    {"Azure__bicep__101__sqlmi-new-vnet__main.symbolicnames", 0,
     "name of a resource of type Microsoft.Network/virtualNetworks/subnets must have 2 "
     "segments (parent/child), not 1"},
    {"Azure__bicep__301__nested-vms-in-virtual-network__main", 0,
     "output 'assignedIp': reference() to 'HVHOSTNIC1': privateIPAddress is known only"},
    {"Azure__bicep__wvd-create-hostpool__modules__managedDisks-galleryvm", 0,
     "parameter 'rdshNumberOfInstances' has no value"},
    {"CheckPointSW__CloudGuardIaaS__R8040-R81__mds-r8040-r81__mainTemplate", 0,
     "linked templates are not read"},
    {"CheckPointSW__CloudGuardIaaS__azure__nestedtemplates__vnet-new", 0,
     "parameter 'virtualNetworkAddressPrefix' has no value"},
    {"CheckPointSW__CloudGuardIaaS__templates__nestedtemplates__vnet-1-subnet-existing", 0, NULL},
    {"CheckPointSW__CloudGuardIaaS__templates__nestedtemplates__vnet-2-subnet-ha2-new", 0,
     "parameter 'virtualNetworkAddressPrefixes' has no value"},
    {"anthony-c-martin__azure-quickstart-templates__101-1vm-2nics-2subnets-1vnet__azuredeploy", 5,
     NULL},
    {"anthony-c-martin__azure-quickstart-templates__101-azurefirewall-sandbox-linux__azuredeploy",
     6, NULL},
    {"anthony-c-martin__azure-quickstart-templates__101-azurefirewall-with-firewallpolicy-sandbox-"
     "linux__azuredeploy",
     6, NULL},
    {"anthony-c-martin__azure-quickstart-templates__101-azurefirewall-with-zones-sandbox__"
     "azuredeploy",
     6, NULL},
    {"anthony-c-martin__azure-quickstart-templates__201-extend-vnet-to-multi-vnet__prereqs__prereq."
     "azuredeploy",
     1, NULL},
    {"anthony-c-martin__azure-quickstart-templates__201-redis-vnet-nsg__azuredeploy", 0,
     "parameter 'existingVirtualNetworkName' has no value"},
    {"anthony-c-martin__azure-quickstart-templates__201-vm-copy-managed-disks__azuredeploy", 5,
     NULL},
    {"anthony-c-martin__azure-quickstart-templates__201-vm-sql-full-autopatching__azuredeploy", 0,
     "linked templates are not read"},
    {"anthony-c-martin__azure-quickstart-templates__301-web-app-regional-vnet-private-endpoint-sql-"
     "storage__nestedtemplates__app",
     0, "parameter 'hostingPlanName' has no value"},
    {"anthony-c-martin__azure-quickstart-templates__docker-simple-on-ubuntu__azuredeploy", 3, NULL},
    {"anthony-c-martin__azure-quickstart-templates__openshift-container-platform__azuredeploy", 0,
     "linked templates are not read"},
    {"anthony-c-martin__azure-quickstart-templates__solace-message-router__nestedtemplates__"
     "security-shared-resources",
     1, NULL},
    {"anthony-c-martin__azure-quickstart-templates__splunk-on-ubuntu__nested__clusterpeers-"
     "resources",
     0, "linked templates are not read"},
    {"bridgecrewio__checkov__resource__example_AppGatewayWAFACLCVE202144228__owasp_3_1_disabled_"
     "fail",
     2, NULL},
    {"bridgecrewio__checkov__resource__example_VMEncryptionAtHostEnabled__vm-pass", 2, NULL},
    {"cloud-custodian__cloud-custodian__tests_azure__templates__route-table-and-vnet", 5, NULL},
    {"dupuyjs__AzPester__vm-simple-windows__arm__azuredeploy", 3, NULL},
    {"fortinet__azure-templates__Active-Passive-ELB-ILB__legacy__azuredeploy", 0,
     "parameter 'fortiGateNamePrefix' has no value"},
    {"fortinet__azure-templates__AzureApplicationGateway__scenario1__azuredeploy", 0,
     "parameter 'fortiGateNamePrefix' has no value"},
    {"fortinet__azure-templates__FortiAnalyzer__single-1nic__azuredeploy", 0,
     "parameter 'namePrefix' has no value"},
    {"fortinet__azure-templates__FortiGate__VNET-Peering__azuredeploy", 0,
     "parameter 'fortiGateNamePrefix' has no value"},
    {"microsoft__PSRule.Rules.Azure__scenarios__azure-template-ci__template", 0,
     "parameter 'subnets' has no value"},
    {"mspnp__samples__solutions__azure-hub-spoke__azuredeploy", 0,
     "reference() to 'fw-resourcegrouplocation': privateIPAddress is known only after "
     "deployment"},
    {"mspnp__template-building-blocks__buildingBlocks__routeTables__routeTables", 0,
     "parameter 'routeTables' has no value"},
};

static void published_templates(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(files); i++) {
		cleanup_free char *path = NULL;
		cleanup_outcome struct outcome o = {0};
		cleanup_json json_t *template = NULL;

		assert_true(asprintf(&path, "%s%s.json", DIRECTORY, files[i].file) > 0);
		template = json_load_file(path, 0, NULL);
		if (!template)
			fail_msg("%s cannot be read", path);
		o = evaluate_json(template, NULL);
		if (files[i].fails) {
			assert_int_equal(o.r, -EINVAL);
			if (!strstr(o.diag.v[0].text, files[i].fails))
				fail_msg("%s: %s", files[i].file, o.diag.v[0].text);
			continue;
		}
		if (o.r || o.n != files[i].n)
			fail_msg("%s gives %zu resources: %s", files[i].file, o.n,
				 o.r ? o.diag.v[0].text : "");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_templates),
	};

	if (access(DIRECTORY, R_OK)) {
		print_message("no templates in " DIRECTORY "\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
